// Colours, widths, and help in few columns.

import { expect, test } from 'vitest'
import { commands } from '../../../migrator/cli/commands/index.ts'
import { commandHelp, generalHelp } from '../../../migrator/cli/help.ts'
import { hasColor, widthOf } from '../../../migrator/cli/terminal.ts'

test.each<[boolean, NodeJS.ProcessEnv, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [true, { FORCE_COLOR: '0' }, false],
])('a terminal: %s, with %o: colours %s', (isTTY, env, colours) => {
  expect(hasColor({ isTTY }, env)).toBe(colours)
})

test.each([
  [undefined, 120],
  [0, 120],
  [40, 40],
  [300, 120],
])('a terminal of %s columns: lines of %i', (columns, width) => {
  expect(widthOf({ columns })).toBe(width)
})

test.each([40, 80, 120])('help fits into %i columns, and says all of it', columns => {
  const words = (text: string) => text.split(/\s+/).join(' ')
  const pages = [
    (width?: number) => generalHelp(commands, width),
    ...commands.map(command => (width?: number) => commandHelp(command, width)),
  ]
  for (const page of pages) {
    // but for a word that is longer than a line
    const tooLong = page(columns)
      .split('\n')
      .filter(line => line.length > columns && line.trim().includes(' '))
    expect(tooLong).toEqual([])
    expect(words(page(columns))).toBe(words(page()))
  }
})
