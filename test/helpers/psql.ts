// Plain psql, or a stand-in where there is none: what a migration's text means without us.

import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { loadModule, parseSync } from 'libpg-query'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { startProcess } from './process.ts'

/** Whether psql is on the PATH. */
const hasPsql = spawnSync('psql', ['--version']).status === 0

/** Applies each text in a session of its own, statement by statement; stops at the first error. */
export async function applyPlainly(url: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await (hasPsql ? withPsql(url, text) : withoutPsql(url, text))
}

async function withPsql(url: string, text: string): Promise<void> {
  const command = ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', '-', url]
  const env = { PATH: process.env.PATH, PGCLIENTENCODING: 'UTF8' }
  const { code, stderr } = await startProcess(command, { env, input: text }).ended
  if (code !== 0) throw new Error(`psql ended with ${code}: ${stderr}`)
}

/** Cut with the grammar itself and sent one by one, which is what psql does with a file of plain SQL. */
async function withoutPsql(url: string, text: string): Promise<void> {
  await loadModule()
  // psql's own, around a dump, and the data that it feeds to a COPY
  text = text.replaceAll(/^\\(un)?restrict .*$/gm, '')
  const data: string[] = []
  text = text.replaceAll(/^(COPY .* FROM stdin;)\r?\n([\s\S]*?)^\\\.\r?$/gm, (_, copy: string, lines: string) => {
    data.push(lines)
    return copy
  })
  const bytes = Buffer.from(text)
  const statements = (parseSync(text).stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length }) =>
    bytes.subarray(start, length ? start + length : undefined).toString('utf8'),
  )
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  await client.connect()
  try {
    for (const statement of statements) {
      if (!/^\s*(--.*\s+)*COPY .* FROM stdin$/.test(statement)) await client.query(statement)
      else await pipeline(Readable.from([data.shift() ?? '']), client.query(from(statement)))
    }
  } finally {
    await client.end()
  }
}
