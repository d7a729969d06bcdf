// Files that a setting names: those that have no end are refused, and nothing waits for them; those of Windows are read.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readNamedFile } from '../../../gate/postgres/read-file.ts'
import { readSecret } from '../../../gate/postgres/secret.ts'
import { readManifest } from '../../../gate/protocol/manifest.ts'
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

test('a password file that is a pipe is passed over, as by libpq', async () => {
  const path = await fifo()
  await chmod(path, 0o600)
  const { code, stderr } = await schemagate(['status', '--dir', await folder({ '1_a.sql': '' })], {
    env: { DATABASE_URL: 'postgres://u@127.0.0.1:1/d', PGPASSFILE: path, SCHEMAGATE_CONNECT_TIMEOUT: '100ms' },
    timeout: 30_000,
  })
  expect(code, stderr).toBe(3)
})

test('a byte-order mark is no part of a secret or a manifest, and UTF-16 is told as that', async () => {
  const entry = { name: '1_a', checksum: 'a'.repeat(64), kind: 'sql', breaking: false }
  const manifest = JSON.stringify({ version: 1, head: '1_a', migrations: [entry] })
  const dir = await folder({ secret: '\uFEFFhunter2\r\n', manifest: `\uFEFF${manifest}` })
  const problems: string[] = []
  expect(readSecret({ A_FILE: join(dir, 'secret') }, 'A', problems)).toBe('hunter2')
  expect(readManifest(join(dir, 'manifest')).head).toBe('1_a')
  for (const [name, text] of [
    ['secret', 'hunter2'],
    ['manifest', manifest],
  ] as const)
    await writeFile(join(dir, name), Buffer.from(`\uFEFF${text}`, 'utf16le'))
  expect(readSecret({ A_FILE: join(dir, 'secret') }, 'A', problems)).toBeUndefined()
  expect(problems).toEqual([`A_FILE: ${join(dir, 'secret')} cannot be read (it is UTF-16: save it as UTF-8).`])
  expect(() => readManifest(join(dir, 'manifest'))).toThrow('it is UTF-16: save it as UTF-8')
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
