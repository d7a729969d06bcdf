// The log on a terminal: a line of schemagate's own is its message, and one of a code migration's has its fields below.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prettyLog } from '../../../migrator/cli/log-pretty.ts'
import type { Log } from '../../../migrator/log.ts'

function lines(use: (log: Log) => void): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'w')
  use(prettyLog({ level: 'debug', fd, redact: text => text }))
  closeSync(fd)
  const text = readFileSync(file, 'utf8')
  rmSync(folder, { recursive: true })
  return text
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/^\[[\d:.]+\] /, ''))
}

test.each<[string, object, string[]]>([
  ['with an event', { event: 'ledger', from: 2, to: 3, replicas: [{ name: 'r' }] }, ['INFO: done']],
  ['with an error', { err: new Error('why'), migration: '0001', waitedMs: 5 }, ['INFO: done']],
  [
    'with an excerpt',
    { err: new Error('why'), file: 'a.sql', excerpt: '1 | selec\n    ^' },
    ['INFO: done', '1 | selec', '    ^'],
  ],
  ['of a code migration', { filled: 3, total: 4, migration: '0001' }, ['INFO: done', '    filled: 3', '    total: 4']],
])('a line %s', (_, fields, shown) => {
  expect(lines(log => log.info(fields, 'done'))).toEqual(shown)
})
