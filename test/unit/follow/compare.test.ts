// A tool's history held against the migrations of a build: what is missing, what is newer, what is unknown.

import { describe, expect, test } from 'vitest'
import { compare } from '../../../gate/histories/compare.ts'
import type { History, HistoryTool } from '../../../gate/histories/history.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'

const build = (...keys: readonly string[]): FollowedMigration[] => keys.map(key => ({ key, name: `m${key}` }))

interface Given extends Partial<Pick<HistoryTool, 'heads' | 'byApp' | 'chronological'>> {
  readonly entries?: readonly string[]
  readonly upTo?: string
  readonly isUnfinished?: boolean
  readonly published?: readonly FollowedMigration[]
  readonly repeatable?: readonly string[]
}

function compared(expected: readonly FollowedMigration[], given: Given) {
  const { entries = [], upTo, isUnfinished = false, published, repeatable = [], ...tool } = given
  const history = {
    entries: entries.map(key => ({ key, name: key, ...(repeatable.includes(key) && { repeatable: true }) })),
    unfinished: isUnfinished ? [{ key: 'x', name: 'x', message: '' }] : [],
    ...(upTo !== undefined && { upTo }),
    table: { tool },
  } as unknown as History
  const { state, applied, missing, newer, unknown } = compare(expected, history, published)
  const keysOf = (some: readonly { readonly key: string }[]) => some.map(({ key }) => key).join(' ')
  return [state, keysOf(applied), keysOf(missing), keysOf(newer), keysOf(unknown)]
}

test.for([
  ['all are applied', { entries: ['1', '2'] }, ['current', '1 2', '', '', '']],
  ['some are not', { entries: ['1'] }, ['behind', '1', '2', '', '']],
  ['there is one that no manifest has', { entries: ['1', '2', '3'] }, ['ahead', '1 2', '', '', '3']],
  ['there is such a one, and some are not applied', { entries: ['1', '3'] }, ['diverged', '1', '2', '', '3']],
  [
    'another build has published it',
    { entries: ['1', '2', '3'], published: build('2', '3', '4') },
    ['current', '1 2', '', '3', ''],
  ],
  ['it is older than all of this build', { entries: ['0', '1', '2'] }, ['current', '1 2', '', '', '']],
  ['the tool keeps its newest alone', { upTo: '2' }, ['current', '1 2', '', '', '']],
  ['the newest is below the last of the build', { upTo: '1' }, ['behind', '1', '2', '', '']],
  ['one was begun and not finished', { entries: ['1', '2'], isUnfinished: true }, ['unfinished', '1 2', '', '', '']],
] as const)('where %s', ([, given, expected]) => {
  expect(compared(build('1', '2'), given)).toEqual(expected)
})

describe('a migration that stands in for others', () => {
  const squash = [{ key: '3', name: 'squash', replaces: ['1', '2'] }]
  test.for([
    ['all of those', ['1', '2'], ['current', '3', '', '', '']],
    ['some of those', ['1'], ['behind', '', '3', '', '']],
    ['itself', ['3'], ['current', '3', '', '', '']],
  ] as const)('is applied or not where the history has %s', ([, entries, expected]) => {
    expect(compared(squash, { entries })).toEqual(expected)
  })

  test.for([
    ['only some of those besides', ['a.1', 'a.3'], [], ['behind', '', 'a.3', '', '']],
    ['all of those besides', ['a.1', 'a.2', 'a.3'], [], ['current', 'a.3', '', '', '']],
    ['no other, and a newer build is without `replaces`', ['a.3'], build('a.3'), ['current', 'a.3', '', '', '']],
    ['no other, and is itself stood in for', ['a.3', 'a.4', 'a.5'], [], ['current', 'a.3 a.5', '', '', '']],
  ] as const)("in Django's history counts where it has %s", ([, entries, published, expected]) => {
    const squash = { key: 'a.3', name: 'squash', replaces: ['a.1', 'a.2'] }
    const own = entries.some(key => key === 'a.5')
      ? [squash, { key: 'a.5', name: '', replaces: ['a.3', 'a.4'] }]
      : [squash]
    expect(compared(own, { entries, published, byApp: true, chronological: true })).toEqual(expected)
  })

  test('for none is a migration like any other', () => {
    expect(compared([{ key: '3', name: 'm3', replaces: [] }], {})[0]).toBe('behind')
  })

  test('of another build says that those are applied', () => {
    expect(compared(build('1', '2'), { entries: ['3'], published: squash })).toEqual(['current', '1 2', '', '3', ''])
  })
})

test('of a history that has only heads, what they are built on is applied', () => {
  const chain = [
    { key: 'a', name: 'a' },
    { key: 'b', name: 'b', after: ['a'] },
    { key: 'c', name: 'c', after: ['b'] },
  ]
  expect(compared(chain, { entries: ['c'], heads: true })).toEqual(['current', 'a b c', '', '', ''])
  expect(compared(chain, { entries: ['b'], heads: true })).toEqual(['behind', 'a b', 'c', '', ''])
  // a key says nothing of its age
  expect(compared(chain, { entries: ['c', '0'], heads: true })).toEqual(['ahead', 'a b c', '', '', '0'])
  expect(compared(chain, { entries: ['c'] })).toEqual(['behind', 'c', 'a b', '', ''])
  const newer = [{ key: 'd', name: 'd', after: ['c'] }]
  expect(compared(chain, { entries: ['d'], heads: true, published: newer })).toEqual(['current', 'a b c', '', 'd', ''])
})

test('of several apps in one history, those that the build lacks do not count', () => {
  const own = build('shop.1', 'shop.2')
  expect(compared(own, { entries: ['auth.1', 'shop.1', 'shop.2'], byApp: true })[0]).toBe('current')
  expect(compared(own, { entries: ['shop.1', 'shop.2', 'shop.3'], byApp: true })).toEqual([
    ...['ahead', 'shop.1 shop.2', '', '', 'shop.3'],
  ])
  // an app's keys have no common order
  expect(compared(own, { entries: ['shop.0', 'shop.1', 'shop.2'], byApp: true })[4]).toBe('shop.0')
})

test('where rows stand in the order in which they were applied, what came before the last of the build is of a squash or a package', () => {
  const given = { entries: ['9', '1', '2', '8'], chronological: true } as const
  expect(compared(build('1', '2'), given)).toEqual(['ahead', '1 2', '', '', '8'])
  // while newer ones are missing, too
  expect(compared(build('1', '2', '3'), given)).toEqual(['diverged', '1 2', '3', '', '8'])
  // in the order of its own app
  const byApp = { entries: ['a.9', 'a.1', 'a.8', 'b.1'], chronological: true, byApp: true } as const
  expect(compared(build('a.1', 'b.1'), byApp)[4]).toBe('a.8')
  // a repeatable one moves to the end whenever it is run again
  expect(compared(build('1', 'R'), { entries: ['1', '9', 'R'], repeatable: ['R'], chronological: true })[4]).toBe('9')
})
