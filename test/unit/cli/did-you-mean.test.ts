// Which known name a mistyped one is likely to be.

import { expect, test } from 'vitest'
import { closest } from '../../../gate/did-you-mean.ts'

const commands = ['up', 'down', 'status', 'check', 'wait', 'plan', 'verify', 'dir']

test.each([
  ['upp', 'up'],
  ['pu', 'up'],
  ['dri', 'dir'],
  ['dwon', 'down'],
  ['statsu', 'status'],
  ['ver', 'verify'],
  ['x', undefined],
  ['ls', undefined],
  ['run', undefined],
  ['', undefined],
])('%s: %s', (name, meant) => {
  expect(closest(name, commands)).toBe(meant)
})
