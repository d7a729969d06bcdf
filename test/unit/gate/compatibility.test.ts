// Compatibility: every way in which an app and a database fit or do not.

import { describe, expect, test } from 'vitest'
import { judge } from '../../../gate/protocol/compatibility.ts'
import type { LedgerRow } from '../../../gate/protocol/ledger.ts'
import type { LedgerManifest, ManifestEntry } from '../../../gate/protocol/manifest.ts'

const entry = (name: string, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  name,
  checksum: `of ${name}`,
  kind: 'sql',
  breaking: false,
  ...more,
})
const row = (name: string, more: Partial<LedgerRow> = {}): LedgerRow => ({
  name,
  checksum: `of ${name}`,
  kind: 'sql',
  breaking: false,
  state: 'applied',
  ...more,
})
const manifest = (...migrations: ManifestEntry[]): LedgerManifest => ({
  version: 1,
  head: migrations.at(-1)?.name ?? null,
  migrations,
})

const app = manifest(entry('1'), entry('2'))

describe('compatibility', () => {
  test('is open when the database has what the app was built with, and no more', () => {
    expect(judge(app, [row('1'), row('2')]).state).toBe('open')
  })

  test('is open when the database has more that breaks nothing, also while that is under way', () => {
    expect(judge(app, [row('1'), row('2'), row('3'), row('4', { state: 'running' })]).state).toBe('open')
  })

  test('is open on a ledger with nothing for an app without migrations, but not without a ledger', () => {
    expect(judge(manifest(), []).state).toBe('open')
    expect(judge(manifest(), null).state).toBe('unmigrated')
  })

  test('says unmigrated without a ledger and with an empty one', () => {
    expect(judge(app, null)).toMatchObject({ state: 'unmigrated', detail: expect.stringContaining('no ledger') })
    expect(judge(app, [])).toMatchObject({ state: 'unmigrated', missing: ['1', '2'] })
  })

  test('says behind, and names what is missing in the order in which it is to come', () => {
    const verdict = judge(manifest(entry('2'), entry('10'), entry('11'), entry('12'), entry('13')), [row('2')])
    expect(verdict).toMatchObject({ state: 'behind', missing: ['10', '11', '12', '13'] })
    expect(verdict.detail).toContain('lacks 10, 11 and 2 more')
    expect(judge(app, [row('2')])).toMatchObject({ state: 'behind', missing: ['1'] })
    const three = manifest(entry('0'), entry('1'), entry('2'), entry('3'))
    expect(judge(three, [row('0')]).detail).toContain('lacks 1, 2 and 3:')
    expect(judge(manifest(entry('0'), entry('1'), entry('2')), [row('0')]).detail).toContain('lacks 1 and 2:')
  })

  test('says diverged when a name has other content', () => {
    const rows = [row('1', { checksum: 'other' }), row('2')]
    expect(judge(app, rows)).toMatchObject({ state: 'diverged', migrations: ['1'] })
  })

  test('says too-old when the database has a breaking migration that the app does not know', () => {
    for (const state of ['applied', 'running'] as const) {
      const rows = [row('1'), row('2'), row('3', { breaking: true, state })]
      expect(judge(app, rows)).toMatchObject({ state: 'too-old', migrations: ['3'] })
    }
  })

  test('is open with breaking migrations that the app knows', () => {
    const knowing = manifest(entry('1'), entry('2', { breaking: true }))
    expect(judge(knowing, [row('1'), row('2', { breaking: true })]).state).toBe('open')
  })

  test('says migrating when one of the app’s own is under way', () => {
    const rows = [row('1'), row('2', { state: 'running' })]
    expect(judge(app, rows)).toMatchObject({ state: 'migrating', migrations: ['2'] })
    expect(judge(manifest(entry('1'), entry('2'), entry('3')), rows).state).toBe('migrating')
  })

  test('takes a baseline for applied, if its content is the same', () => {
    expect(judge(app, [row('1', { kind: 'baseline' }), row('2')]).state).toBe('open')
    expect(judge(app, [row('1', { kind: 'baseline', checksum: 'other' }), row('2')]).state).toBe('diverged')
  })

  test('tells first what a run of the migrator does not cure', () => {
    const edited = row('1', { checksum: 'other' })
    const breaking = row('9', { breaking: true })
    const running = row('2', { state: 'running' })
    const built = manifest(entry('1'), entry('2'), entry('3'))
    expect(judge(built, [edited, running, breaking]).state).toBe('diverged')
    expect(judge(built, [row('1'), running, breaking]).state).toBe('too-old')
    expect(judge(built, [row('1'), running]).state).toBe('migrating')
    expect(judge(built, [row('1'), row('2')]).state).toBe('behind')
  })
})

describe('a repeatable migration', () => {
  const views = manifest(entry('R', { kind: 'repeatable', checksum: 'v2' }))
  const has = (checksum: string, more: Partial<LedgerRow> = {}) => row('R', { kind: 'repeatable', checksum, ...more })

  test('fits with the content of now, and with one that it had before', () => {
    expect(judge(views, [has('v2')]).state).toBe('open')
    expect(judge(views, [has('v4', { earlier: ['v1', 'v2', 'v3'] })]).state).toBe('open')
  })

  test('is missing when the database has not come to the app’s content yet', () => {
    expect(judge(views, [has('v1')])).toMatchObject({ state: 'behind', missing: ['R'] })
    expect(judge(views, [has('v1', { earlier: null })])).toMatchObject({ state: 'behind', missing: ['R'] })
    expect(judge(views, [has('v1', { earlier: ['v0'] })]).state).toBe('behind')
  })

  test('a migration under way closes the gate of apps that have its content, and of no other', () => {
    expect(judge(views, [has('v2', { state: 'running' })]).state).toBe('migrating')
    expect(judge(views, [has('v3', { earlier: ['v2'], state: 'running' })]).state).toBe('migrating')
    expect(judge(views, [has('v1', { state: 'running' })]).state).toBe('behind')
  })

  test('marked breaking is known by its content, not by its name', () => {
    expect(judge(views, [has('v2', { breaking: true })]).state).toBe('open')
    expect(judge(views, [has('v3', { breaking: true, earlier: ['v2'] })]).state).toBe('too-old')
    expect(judge(views, [has('v1', { breaking: true })]).state).toBe('behind')
  })
})
