// The log's JSON lines are pino's, byte for byte.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { serialiseError } from '../../../migrator/cli/log-error.ts'
import { jsonLog } from '../../../migrator/cli/log-json.ts'
import type { Log } from '../../../migrator/log.ts'
import { redactLine, redactor } from '../../../migrator/text/redact.ts'

const redact = redactor(['hunter2!"'])

beforeAll(() => {
  vi.useFakeTimers({ now: 1_700_000_000_123, toFake: ['Date'] })
})
afterAll(() => {
  vi.useRealTimers()
})

function ours(level: string, use: (log: Log) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'w')
  use(jsonLog({ level, fd, redact }))
  closeSync(fd)
  const text = readFileSync(file, 'utf8')
  rmSync(folder, { recursive: true })
  return text
}

function pinos(level: string, use: (log: Log) => void): string {
  const lines: string[] = []
  use(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: label => ({ level: label }) },
        serializers: { err: serialiseError },
      },
      { write: line => void lines.push(redactLine(redact, line)) },
    ),
  )
  return lines.join('')
}

const circle: Record<string, unknown> = { name: 'circle' }
circle.self = circle
const deep = { a: { b: { c: { d: { e: { f: 1n } } } } } }
const denied = Object.assign(new Error('denied', { cause: new TypeError('why') }), { code: '42501', hint: null })

test('the place in the code is told of what nobody foresaw, and of an error in the code of a migration', () => {
  const cause = new TypeError('why')
  const withCode = (exitCode: number) => Object.assign(new Error('said', { cause }), { exitCode })
  const nested = Object.assign(new Error('twice', { cause: new Error('inside', { cause }) }), { exitCode: 2 })
  expect(serialiseError(new Error('bug', { cause }))).toMatchObject({
    stack: expect.any(String),
    cause: { stack: expect.any(String) },
  })
  expect(serialiseError(withCode(5))).toMatchObject({ cause: { stack: expect.any(String) } })
  for (const mistake of [withCode(2), withCode(3), nested])
    expect(JSON.stringify(serialiseError(mistake))).not.toContain('"stack"')
})

test.each<[string, object, unknown]>([
  ['of plain fields', { event: 'run', applied: 3, ok: true, none: null, list: [1, { a: undefined }] }, 'done'],
  ['without what JSON leaves out', { gone: undefined, fn: () => 1, symbol: Symbol('s'), nan: Number.NaN }, 'x'],
  ['of an error with a cause', { err: denied, migration: '0001' }, denied.message],
  ['of what was thrown and is no error', { err: 'text' }, 'x'],
  ['of a foreseen error', { err: Object.assign(new Error('foreseen'), { exitCode: 5 }) }, 'x'],
  ['that takes an error for its message', { err: denied }, undefined],
  ['whose own field is its message', { err: denied, msg: 'own' }, undefined],
  ['without a message', {}, undefined],
  ['with no text for a message', {}, null],
  ['with fields of the names of its own', { level: 'high', time: 'noon', msg: 'first' }, 'second'],
  ['with names that are numbers', { 10: 'ten', b: 1, 2: 'two' }, 'x'],
  ['of a circle', { circle, list: [circle] }, 'x'],
  ['of a bigint', { big: 12n, deep, many: Array.from({ length: 120 }, (_, i) => BigInt(i)) }, 'x'],
  ['of a date', { at: new Date(0), map: new Map([[1, 2]]), bytes: Buffer.from('ab') }, 'x'],
  ['with a secret', { url: 'postgres://u:secret@h/d', password: 'short', text: 'hunter2!"' }, 'is hunter2!"'],
  ['with formatting', { percent: '%s' }, '100% of %s and %%'],
  ['with a line break and a lone surrogate', { text: 'a\n\u2028b\ud800' }, 'c\r\n\0'],
])('a line %s', (_, fields, message) => {
  const log = (to: Log) => to.info(fields, message as string)
  expect(ours('info', log)).toBe(pinos('info', log))
})

test('a line of any fields and any text', () => {
  const value = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true })
  const fields = fc.dictionary(fc.string({ unit: 'binary' }), value)
  fc.assert(
    fc.property(fields, fc.string({ unit: 'binary' }), (some, message) => {
      const log = (to: Log) => to.warn(some, message)
      expect(ours('info', log)).toBe(pinos('info', log))
    }),
    { numRuns: 300 },
  )
})

test('a line with what may be a secret, or a part of one', () => {
  const part = fc.constantFrom(
    ...['password', 'pwd', 'PASSWORD', '=', ' ', "'", "''", '"', ':', '*', ';', '\n', 'x', 'hunter2!"', 'hunter2'],
    ...['postgres://u', '@', 'password@host:5432/database', '/d', '}', ',', '\\'],
  )
  const text = fc.array(part, { maxLength: 8 }).map(parts => parts.join(''))
  const fields = fc.dictionary(text, fc.oneof(text, fc.dictionary(text, text), fc.bigInt(), fc.double()))
  fc.assert(
    fc.property(fields, text, (some, message) => {
      const log = (to: Log) => to.error(some, message)
      expect(ours('info', log)).toBe(pinos('info', log))
    }),
    { numRuns: 1_000 },
  )
})

test.each(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])('the lines of level %s', level => {
  const log = (to: Log) => {
    for (const at of ['debug', 'info', 'warn', 'error'] as const) to[at]({ at }, at)
  }
  expect(ours(level, log)).toBe(pinos(level, log))
})
