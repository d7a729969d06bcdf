// What `--ignore` leaves out.

import { expect, test } from 'vitest'
import { ignoredBy } from '../../../migrator/files/ignore.ts'

test.for([
  [['*.mysql*'], '1_a.mysql.up.sql', true],
  [['seeds'], 'seeds/2024/1_a.sql', true],
  [['seeds', '2_*'], '1_a.sql', false],
  [['[ab].sql'], 'a.sql', true],
  [[], '1_a.sql', false],
] as const)('%j leaves out %s: %s', ([globs, path, expected]) => expect(ignoredBy(globs)(path)).toBe(expected))

test('the Unicode form of a name or of a glob does not count', () => {
  for (const glob of ['*_café*', 'é/1_a.sql'])
    for (const path of ['1_café.sql', 'é/1_a.sql'].filter(one => one.includes('/') === glob.includes('/')))
      for (const [one, other] of [
        ['NFC', 'NFD'],
        ['NFD', 'NFC'],
      ] as const)
        expect(ignoredBy([glob.normalize(one)])(path.normalize(other)), `${glob} ${one}`).toBe(true)
})
