// What is taken out of a compose file and written into another means the same there.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interpolate } from '../../../migrator/doctor/compose/interpolate.ts'
import { isShielded, shield, toComposeText, unshield } from '../../../migrator/doctor/compose/shield.ts'

const pieces = ['$', '$$', '${A}', '$A', '${B:-a b}', '${C:?no}', '${', '}', '"', "'", ' ', '$(x)', '$1', '$@', 'word']
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(all => all.join(''))

test('Compose makes the same of it, whatever the variables are', () => {
  fc.assert(
    fc.property(text, fc.record({ A: fc.string(), B: fc.string() }, { requiredKeys: [] }), (written, variables) => {
      expect(interpolate(toComposeText(shield(written)), variables)).toBe(interpolate(written, variables))
    }),
    { numRuns: 2_000 },
  )
})

test('a variable is one piece of a word, and is shown as it is written', () => {
  const shielded = shield('a ${B:-c "d"} $$E')
  expect(shielded).toMatch(/^a \S+ \$E$/)
  expect(isShielded(shielded)).toBe(true)
  expect(unshield(shielded)).toBe('a ${B:-c "d"} $E')
})
