// Servers whose answer pg cannot read: another program, or a login that pg does not know. No process ends of it.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createGate } from '../../../gate/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'

/** A message of the server's: its letter, its length, and what is in it. */
function message(letter: string, ...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(5 + 4 * numbers.length, letter)
  bytes.writeInt32BE(4 + 4 * numbers.length, 1)
  for (const [i, number] of numbers.entries()) bytes.writeInt32BE(number, 5 + 4 * i)
  return bytes
}

const ready = Buffer.concat([message('R', 0), message('K', 1, 1), Buffer.from('Z\0\0\0\x05I')])
const rows = (columns: number, body: Buffer) => {
  const bytes = Buffer.concat([Buffer.from('T\0\0\0\0\0\0'), body])
  bytes.writeInt32BE(bytes.length - 1, 1)
  bytes.writeUInt16BE(columns, 5)
  return bytes
}

/** Answers each message with the next of these; the last one again and again. Returns its URL. */
async function server(...answers: Buffer[]): Promise<string> {
  const listening = createServer(socket => {
    let asked = 0
    socket.on('error', () => {})
    socket.on('data', () => socket.write(answers[Math.min(asked++, answers.length - 1)]!))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void listening.close())
  await once(listening, 'listening')
  return `postgres://bob:sesame-open@127.0.0.1:${(listening.address() as AddressInfo).port}/shop?sslmode=disable`
}

const cases: [what: string, answers: Buffer[], said: string][] = [
  [
    'a login by GSSAPI',
    [message('R', 7)],
    'asks for a login by GSSAPI, which is not spoken here. Have pg_hba.conf ask',
  ],
  ['a login of an unknown kind', [message('R', 99)], 'asks for a login by a method of number 99'],
  ['a message that is cut short', [message('R')], 'does not answer as Postgres does: its answer cannot be read'],
  ['a row of 65,535 columns', [ready, rows(65_535, Buffer.alloc(0))], 'its answer cannot be read'],
  ['no row', [ready, Buffer.from('C\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I')], 'it answers a query without a row'],
  ['the greeting of MySQL', [Buffer.from('J\0\0\0\x0a8.0.36')], 'does not answer as Postgres does'],
]

test.for(cases)('%s ends a run with 9, and says what to do', async ([, answers, said]) => {
  const url = await server(...answers)
  const dir = await folder({ '1_a.sql': 'select 1;' })
  const { code, stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
  expect(stdout).toContain(said)
  expect(code).toBe(9)
})

test('one that hangs up on TLS from the first byte, as before 17, is told as that', async () => {
  const listening = createServer(socket => void socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1')
  onTestFinished(() => void listening.close())
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const { code, stderr } = await schemagate(
    ['check', '--dir', await folder({ '1_a.sql': '' }), '--connect-timeout', '300ms'],
    {
      env: { DATABASE_URL: `postgres://bob:sesame-open@127.0.0.1:${port}/shop?sslmode=require&sslnegotiation=direct` },
    },
  )
  expect(code).toBe(3)
  expect(stderr).toContain('for sslnegotiation=direct it must be Postgres 17 or newer')
})

test('a gate stays closed', async () => {
  const entry = { name: '1_a', checksum: 'a'.repeat(64), kind: 'sql', breaking: false } as const
  const url = await server(message('R', 7))
  const gate = createGate({ url, manifest: { version: 1, head: '1_a', migrations: [entry] } })
  onTestFinished(() => gate.close())
  await eventually(() => expect(gate.status.cause?.message).toContain('asks for a login by GSSAPI'))
  expect(gate.status.state).toBe('unreachable')
})
