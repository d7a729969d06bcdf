// Files that a setting names and that have no end: each is refused, and nothing waits for it.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readNamedFile } from '../../../gate/postgres/read-file.ts'
import { schemagate } from '../../helpers/cli.ts'
import { folder } from '../../helpers/migrations.ts'

const url = 'postgres://u:p@127.0.0.1:1/d'
const device = 'it is a device, and no file'
const pipe = 'it is a pipe, and nothing is written to it'

async function fifo(): Promise<string> {
  const path = join(await folder({}), 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

test.for([
  ['the secret', 'DATABASE_URL_FILE', ['status']],
  ['the manifest', 'SCHEMAGATE_MANIFEST', ['check', '--database-url', url]],
  ['the token', 'SCHEMAGATE_GATE_TOKEN_FILE', ['gate', '--database-url', url]],
] as const)('%s is no device and no pipe that nothing is written to: %s', async ([, variable, args]) => {
  for (const [file, reason] of [
    ['/dev/zero', device],
    [await fifo(), pipe],
  ] as const) {
    const run = await schemagate([...args, '--dir', await folder({ '1_a.sql': '' })], {
      env: { [variable]: file },
      timeout: 30_000,
    })
    expect(run.code, run.stderr).toBe(2)
    // the gate's log is its output
    const said = run.stdout + run.stderr
    expect(said).toContain(file)
    expect(said).toContain(reason)
  }
})

test('a certificate or a snapshot is no device', async () => {
  const args = ['--dir', await folder({ '1_a.sql': '' })]
  const address = `${url}?sslmode=verify-ca&sslrootcert=/dev/zero`
  const certificate = await schemagate(['status', '--database-url', address, ...args], { timeout: 30_000 })
  expect(certificate.code).toBe(2)
  expect(certificate.stderr).toContain(`sslrootcert: /dev/zero cannot be read (${device})`)
  const snapshot = await schemagate(['verify', '--database-url', url, '--expect', '/dev/zero', ...args], {
    timeout: 30_000,
  })
  expect(snapshot.code).toBe(2)
  expect(snapshot.stderr).toContain(device)
})

test('a pipe with an end is read to it, and one without is refused', async () => {
  const slow = await fifo()
  spawn('sh', ['-c', `exec > ${slow}; echo one; sleep 0.2; echo two`])
  expect(readNamedFile(slow).toString()).toBe('one\ntwo\n')
  const endless = await fifo()
  const writer = spawn('sh', ['-c', `exec yes > ${endless}`])
  expect(() => readNamedFile(endless)).toThrow('it has more than 64 MB')
  await once(writer, 'exit')
})
