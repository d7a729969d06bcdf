// The gate's small parts: the manifest's file, announcements, admission.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { connectionsOf } from '../../../gate/connection.ts'
import { createGate } from '../../../gate/gate.ts'
import type { GateOptions } from '../../../gate/options.ts'
import { pathOf } from '../../../gate/problem.ts'
import { announce, DRAINED, headHash, LOOKING, parseAnnouncement } from '../../../gate/protocol/announcement.ts'
import { type Manifest, ManifestError, parseManifest, readManifest } from '../../../gate/protocol/manifest.ts'
import { runLockKey } from '../../../gate/protocol/run-lock-key.ts'
import { sqlState, unreachableDetail } from '../../../gate/reading/ledger-query.ts'
import { Admission, now } from '../../../gate/requests/admission.ts'
import type { GateStatus } from '../../../gate/status.ts'
import { Lookout } from '../../../gate/watching/lookout.ts'
import { Wakeup } from '../../../gate/watching/wakeup.ts'

const checksum = 'a'.repeat(64)
const one = { name: '0001_users', checksum, kind: 'sql', breaking: false }
const followed = {
  version: 2,
  follow: { tool: 'alembic', history: 'app.alembic_version' },
  head: 'a1_users',
  migrations: [
    { key: 'a1', name: 'a1_users' },
    { key: 'b2', name: 'b2_tickets', after: ['a1'] },
  ],
}
const good = { version: 1, head: '0001_users', migrations: [one] }

describe('a manifest file', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'schemagate-unit-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }
  const written = (text: string) => {
    const file = join(folder(), 'manifest.json')
    writeFileSync(file, text)
    return file
  }

  test('is read, without what a later version may add to it', () => {
    expect(readManifest(written(JSON.stringify({ ...good, more: 1, migrations: [{ ...one, more: 1 }] })))).toEqual(good)
  })

  test("of another tool's migrations is read, with what its history is known by", () => {
    expect(readManifest(written(JSON.stringify({ ...followed, more: 1 })))).toEqual(followed)
    const { history: _, ...follow } = followed.follow
    const squashed = { key: 'a.3', name: 'a.3', replaces: ['a.1', 'a.2'] }
    const other = { version: 2, follow, head: 'a.3', migrations: [squashed] }
    expect(parseManifest({ ...other, migrations: [{ ...squashed, after: [] }] })).toEqual(other)
  })

  test.for([
    [{ follow: undefined }, '"follow" is not an object'],
    [{ follow: {} }, 'follow.tool is not a name'],
    [{ follow: { tool: 'alembik' } }, 'Did you mean alembic?'],
    [{ follow: { tool: 'umzug' } }, 'Did you mean sequelize?'],
    [{ follow: { tool: 'alembic', history: 'versions' } }, 'follow.history is not SCHEMA.TABLE'],
    [{ migrations: [] }, '"migrations" is empty'],
    [{ migrations: [{ name: 'x' }] }, 'migrations[0].key'],
    [{ migrations: [{ key: 'x', name: 1 }] }, 'migrations[0].name'],
    [{ migrations: [{ key: 'x', name: 'x', after: 'y' }] }, 'migrations[0].after is not an array of keys'],
    [{ migrations: [{ key: 'x', name: 'x', replaces: [1] }] }, 'migrations[0].replaces is not an array of keys'],
    [{ migrations: [{ key: 'x', name: 'x', after: ['y'] }] }, '"x" is built on "y", which is not in it'],
    [{ migrations: [followed.migrations[0], followed.migrations[0]] }, '"a1" is in it twice'],
    [{ head: 'a1' }, '"head" is "a1"'],
  ] as const)('of another tool that is none is refused: %j', ([wrong, message]) => {
    expect(() => parseManifest({ ...followed, ...wrong })).toThrow(ManifestError)
    expect(() => parseManifest({ ...followed, ...wrong })).toThrow(message)
  })

  test('that is none is refused with its name, what is wrong and what makes a good one', () => {
    const missing = join(folder(), 'none.json')
    expect(() => readManifest(missing)).toThrow(ManifestError)
    expect(() => readManifest(missing)).toThrow(/none\.json cannot be read: ENOENT.*schemagate manifest > FILE/)
    for (const [content, message] of [
      ['{', 'JSON'],
      ['[]', 'the manifest is not an object'],
      ['null', 'the manifest is not an object'],
      [JSON.stringify({ ...good, version: 3 }), 'its version is 3'],
      [JSON.stringify({ ...good, migrations: {} }), '"migrations" is not an array'],
      [JSON.stringify({ version: 1, head: null, migrations: [] }), '"migrations" is empty'],
      [JSON.stringify({ version: 1, migrations: [] }), '"migrations" is empty'],
      [JSON.stringify({ ...good, migrations: ['x'] }), 'migrations[0] is not an object'],
      [JSON.stringify({ ...good, migrations: [{ ...one, name: '' }] }), 'migrations[0].name'],
      [JSON.stringify({ ...good, migrations: [{ ...one, checksum: 'a' }] }), 'migrations[0].checksum'],
      [JSON.stringify({ ...good, migrations: [{ ...one, kind: 'baseline' }] }), 'migrations[0].kind'],
      [JSON.stringify({ ...good, migrations: [{ ...one, breaking: 'no' }] }), 'migrations[0].breaking'],
      [JSON.stringify({ ...good, migrations: [one, one] }), '"0001_users" is in it twice'],
      [JSON.stringify({ ...good, head: 'other' }), '"head" is "other"'],
      [JSON.stringify({ ...good, head: null }), '"head" is null'],
    ] as const) {
      const file = written(content)
      expect(() => readManifest(file)).toThrow(ManifestError)
      expect(() => readManifest(file)).toThrow(message)
      expect(() => readManifest(file)).toThrow(file)
    }
  })
})

describe('an announcement', () => {
  const of = (head: string | null): Manifest => ({ version: 1, head, migrations: [] })

  test('names the head, and is read again', () => {
    expect(announce(of('0003_x'))).toBe(`schemagate:${headHash('0003_x')}:0003_x`)
    expect(parseAnnouncement(announce(of('0003_x')))).toEqual({ hash: headHash('0003_x'), head: '0003_x' })
    expect(parseAnnouncement(announce(of(null)))?.hash).toBe(headHash(null))
  })

  test('fits where Postgres keeps it, and keeps its hash, whatever the head is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), head => {
        const name = announce(of(head))
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
        expect(name).toMatch(/^[\x20-\x7e]*$/)
        expect(parseAnnouncement(name)?.hash).toBe(headHash(head))
      }),
    )
  })

  test('is nothing that another name is', () => {
    for (const name of ['', 'psql', 'schemagate', 'schemagate:', 'schemagate:run', DRAINED, LOOKING]) {
      expect(parseAnnouncement(name)).toBeUndefined()
    }
  })
})

test('the run lock of each schema is its own, and always the same', () => {
  expect(runLockKey('schemagate')).toEqual([15_081_984, 616_130_637])
  expect(runLockKey('other')).not.toEqual(runLockKey('schemagate'))
})

describe('admission', () => {
  const status = (state: GateStatus['state']): GateStatus => ({ state, detail: state, head: null, database: null })
  const admission = () => {
    const changes: string[] = []
    const looks: string[] = []
    const stale: string[] = []
    const made = new Admission(
      status('behind'),
      () => status('unreachable'),
      (now, before) => changes.push(`${before.state} > ${now.state}`),
      () => void looks.push('asked'),
      () => void stale.push(made.status.state),
    )
    onTestFinished(() => made.close(status('behind')))
    return { it: made, changes, looks, stale }
  }

  test('lets requests in while it is open, and counts them', async () => {
    const { it, changes } = admission()
    expect(it.enter()).toBe(false)
    it.open(status('open'), now(), 60_000)
    expect([it.isOpen, it.enter(), it.enter()]).toEqual([true, true, true])
    let empty = false
    const waiting = it.whenEmpty().then(() => {
      empty = true
    })
    it.leave()
    await Promise.resolve()
    expect(empty).toBe(false)
    it.leave()
    await waiting
    await it.whenEmpty()
    it.close(status('too-old'))
    expect([it.isOpen, it.enter()]).toEqual([false, false])
    expect(changes).toEqual(['behind > open', 'open > too-old'])
  })

  test('is closed once the last answer is stale, before any timer fires, and reports it once', async () => {
    const { it, changes } = admission()
    it.open(status('open'), now(), -1)
    expect(it.enter()).toBe(false)
    expect(it.isOpen).toBe(false)
    expect(it.status.state).toBe('unreachable')
    expect(changes).toEqual(['behind > open', 'open > unreachable'])
  })

  test('is closed after its machine was suspended, for which the steady clock stood still', () => {
    const { it, changes, stale } = admission()
    const sent = now()
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const date = vi.spyOn(Date, 'now').mockReturnValue(sent.date + 4_000)
    it.open(status('open'), sent, 5_000)
    expect(it.isOpen).toBe(true)
    date.mockReturnValue(sent.date + 3_600_000)
    expect([it.isOpen, it.enter()]).toEqual([false, false])
    // an answer to what was sent before
    it.open(status('open'), sent, 5_000)
    expect([it.isOpen, it.enter(), it.status.state]).toEqual([false, false, 'unreachable'])
    expect(changes).toEqual(['behind > open', 'open > unreachable'])
    expect(stale).toEqual(['unreachable'])
  })

  test('is open for no longer when the clock of the day is set back', async () => {
    const { it } = admission()
    const sent = now()
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const passed = () => performance.now() - sent.steady
    const date = vi.spyOn(Date, 'now').mockImplementation(() => sent.date - 3_600_000 + passed())
    it.open(status('open'), sent, 50)
    expect([it.isOpen, it.enter()]).toEqual([true, true])
    while (passed() <= 50);
    // before its timer fires
    expect([it.isOpen, it.enter(), it.status.state]).toEqual([false, false, 'unreachable'])
    // by less than has passed since the question: the timer closes it
    date.mockReturnValue(sent.date + 1)
    it.open(status('open'), now(), 50)
    await vi.waitFor(() => expect(it.isOpen).toBe(false))
  })

  test('lets nothing in after a standstill until a question from after it was answered', async () => {
    const { it, changes, looks } = admission()
    const before = now()
    it.open(status('open'), before, 60_000)
    expect([it.lookDue, it.enter()]).toEqual([undefined, true])
    // as long as a process is stopped, no timer of its own fires
    const started = performance.now()
    while (performance.now() - started < 1_100);
    const { lookDue } = it
    expect([it.enter(), looks]).toEqual([false, ['asked']])
    it.open(status('open'), before, 60_000)
    expect(it.enter()).toBe(false)
    it.open(status('open'), now(), 60_000)
    await lookDue
    expect([it.lookDue, it.enter(), looks]).toEqual([undefined, true, ['asked']])
    expect(changes).toEqual(['behind > open'])
  })

  test('what comes once the last answer is stale waits for the next one, if there is one', async () => {
    const { it } = admission()
    for (const answer of ['open', 'behind'] as const) {
      it.open(status('open'), now(), -1)
      const { lookDue } = it
      expect([it.status.state, it.enter()]).toEqual(['unreachable', false])
      if (answer === 'open') it.open(status('open'), now(), 60_000)
      else it.close(status(answer))
      await lookDue
      expect([it.lookDue, it.enter()]).toEqual([undefined, answer === 'open'])
    }
  })

  test('what came during a standstill waits for the next connection where the one before was lost', async () => {
    const { it } = admission()
    for (const answer of ['open', 'behind'] as const) {
      it.open(status('open'), now(), 60_000)
      const started = performance.now()
      while (performance.now() - started < 1_100);
      it.lose(status('unreachable'))
      const { lookDue } = it
      expect([it.status.state, it.enter(), lookDue]).toEqual(['unreachable', false, expect.any(Promise)])
      if (answer === 'open') it.open(status('open'), now(), 60_000)
      else it.close(status(answer))
      await lookDue
      expect([it.lookDue, it.enter()]).toEqual([undefined, answer === 'open'])
    }
  })

  test('a connection that is lost leaves nothing to wait for', () => {
    const { it } = admission()
    it.open(status('open'), now(), 60_000)
    it.lose(status('unreachable'))
    expect([it.enter(), it.lookDue]).toEqual([false, undefined])
  })

  test('reports by itself that the last answer is stale', async () => {
    const { it, changes } = admission()
    it.open(status('open'), now(), 20)
    await vi.waitFor(() => expect(changes).toEqual(['behind > open', 'open > unreachable']))
    expect(it.isOpen).toBe(false)
  })

  test('reports nothing when nothing has changed', () => {
    const { it, changes } = admission()
    it.open(status('open'), now(), 60_000)
    it.open(status('open'), now(), 60_000)
    it.close(status('behind'))
    it.close(status('behind'))
    it.close({ ...status('behind'), detail: 'another' })
    expect(changes).toEqual(['behind > open', 'open > behind', 'behind > behind'])
  })
})

test('a wake-up signal ends a wait, and one sent before ends the next wait, once', async () => {
  const wakeup = new Wakeup()
  const started = performance.now()
  const waiting = wakeup.wait(60_000)
  wakeup.signal()
  await waiting
  wakeup.signal()
  wakeup.signal()
  await wakeup.wait(60_000)
  expect(performance.now() - started).toBeLessThan(5000)
  const unsignalled = performance.now()
  await wakeup.wait(30)
  expect(performance.now() - unsignalled).toBeGreaterThanOrEqual(25)
})

describe('small things', () => {
  test('a database must be named', () => {
    expect(() => createGate({ manifest: parseManifest(good) })).toThrow(TypeError)
  })

  test.for<[string, object, RegExp]>([
    ['a duration that is no number', { staleAfter: Number(undefined) }, /staleAfter is NaN/],
    ['one that is text', { connectTimeout: '500' }, /connectTimeout is 500, but must be a number of milliseconds/],
    ['one that is below zero', { pollInterval: -1 }, /pollInterval is -1/],
    ['one for which Node has no timer', { closedPollInterval: Number.POSITIVE_INFINITY }, /closedPollInterval is Inf/],
    ['a name that is none', { drian: () => {} }, /there is no option drian\. Did you mean drain\?/],
    [
      'a connection string in the wrong place',
      { connection: 'postgres://u:hunter2@h/x' },
      /^createGate: connection is a string: give it as url\.$/,
    ],
    ['no manifest', { manifest: undefined }, /manifest is missing/],
  ])('options that cannot be used are refused: %s', ([, option, message]) => {
    const options = { url: 'postgres://u@127.0.0.1:1/x', manifest: parseManifest(good), ...option }
    const make = () => createGate(options as GateOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  test('a gate for no migrations at all, which would open on any database, is refused', () => {
    const nothing: Manifest = { version: 1, head: null, migrations: [] }
    const url = 'postgres://u@127.0.0.1:1/x'
    expect(() => createGate({ url, manifest: nothing })).toThrow(ManifestError)
    expect(() => createGate({ url, manifest: nothing })).toThrow(/"migrations" is empty.*schemagate manifest > FILE/)
  })

  test('a pool’s hidden password is found, and its limits are left behind', () => {
    const options = {
      host: 'h',
      max: 3,
      maxUses: 1,
      allowExitOnIdle: false,
      maxLifetimeSeconds: 0,
      idleTimeoutMillis: 1,
    }
    const pool = {
      options: Object.defineProperty({ ...options, statement_timeout: 1 }, 'password', { value: 'secret' }),
    }
    const config = connectionsOf({ pool }).config(0, 0)
    expect(config.password).toBe('secret')
    expect(config).not.toHaveProperty('statement_timeout')
  })

  test('an error is told by its code alone', () => {
    const error = (code: string) =>
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432 for user "owner"'), { code })
    for (const code of ['ECONNREFUSED', '28P01', '3D000', '57P03', '53300', '42501', 'XX000', 'odd code']) {
      expect(unreachableDetail(error(code))).not.toMatch(/10\.0|owner/)
    }
    expect(unreachableDetail(error('28P01'))).toContain('28P01')
    expect(unreachableDetail(undefined)).toBe('The database does not answer.')
    expect(sqlState(error('42P01'))).toBe('42P01')
    expect(sqlState(error('EPIPE'))).toBeUndefined()
    expect(sqlState(null)).toBeUndefined()
  })

  test('a path ends where query or fragment begin', () => {
    expect(['/a?b', '/a#b', '/a', '', '/a;b?c'].map(pathOf)).toEqual(['/a', '/a', '/a', '', '/a;b'])
    expect(pathOf(undefined)).toBe('')
  })
})

test('a lookout tells of what no notification has told, and of a ledger that is wanted whatever has', () => {
  const reading = (version?: string) => ({
    verdict: { state: 'open', detail: '' } as const,
    databaseHead: null,
    version,
  })
  const lookout = new Lookout('schemagate', { version: 1, head: null, migrations: [] }, 100)
  expect(lookout.noteReading(reading('a'), false)).toBe(false)
  expect(lookout.noteReading(reading('b'), false)).toBe(false)
  lookout.answered('true')
  expect(lookout.noteReading(reading('b'), false)).toBe(false)
  expect(lookout.noteReading(reading('c'), false)).toBe(true)
  expect(lookout.noteReading(reading('d'), true)).toBe(false)
  expect(lookout.noteReading(reading(undefined), true)).toBe(true)
  expect(lookout.noteReading(reading(undefined), false)).toBe(false)
})
