// Colours, widths, and help in few columns.

import { expect, test } from 'vitest'
import { commands } from '../../../migrator/cli/commands/index.ts'
import { commandHelp, generalHelp } from '../../../migrator/cli/help.ts'
import { hasColor, widthOf } from '../../../migrator/cli/terminal.ts'
import { type CommonOption, options } from '../../../migrator/settings/options.ts'

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

test('help describes the common options that the command has a use for, and names the others', () => {
  const namesOf = Object.values<CommonOption>(options).flatMap(({ usedBy }) => usedBy ?? [])
  expect(commands.map(({ name }) => name)).toEqual(expect.arrayContaining(namesOf))
  const helpOf = (name: string) => commandHelp(commands.find(command => command.name === name)!)
  expect(helpOf('follow')).toMatch(/^ {2}--lock-wait .*^ {2}--app-role .*of no use to `follow`.*--drain-timeout/ms)
  expect(helpOf('follow')).not.toMatch(/^ {2}--(drain-timeout|on-)/m)
  expect(helpOf('status')).not.toMatch(/^ {2}--(lock|statement|app|drain)-/m)
  expect(helpOf('up')).not.toContain('of no use')
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
