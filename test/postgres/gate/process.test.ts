// The gate in a process of its own: what it leaves behind, and what it must never bring down.

import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { type Running, startProcess } from '../../helpers/process.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { ledgerOf, manifest } from './fixtures.ts'

const library = join(import.meta.dirname, '../../../gate/index.ts')
const app = manifest('0001_users', '0002_tickets')

/** Runs a script that has `gate`, made for a URL. */
function run(url: string, script: string): Running {
  const source = `
    import { createGate } from ${JSON.stringify(library)}
    const gate = createGate({ url: ${JSON.stringify(url)}, manifest: ${JSON.stringify(app)}, staleAfter: 1000, connectTimeout: 500 })
    process.on('unhandledRejection', error => { console.log('unhandled rejection ' + error); process.exit(70) })
    ${script}`
  const running = startProcess([process.execPath, '--input-type=module', '-e', source], { keepStdin: true })
  onTestFinished(() => running.kill('SIGKILL'))
  return running
}

test('once it is closed the process ends by itself', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const running = run(
    database.url,
    `await gate.whenOpen({ timeout: 5000 })
     console.log(gate.state)
     await gate.close()
     await gate.close()
     const before = performance.now()
     process.on('exit', () => console.log(performance.now() - before < 500 ? 'at once' : 'late'))`,
  )
  expect((await running.ended).code).toBe(0)
  expect(running).toMatchObject({ stdout: 'open\nat once\n', stderr: '' })
})

test('closed in the middle of connecting, the process ends as well', async ({ database }) => {
  const proxy = await tcpProxy(database.url)
  proxy.pause()
  for (const delay of [0, 5, 50, 600]) {
    const running = run(
      proxy.url(database.url),
      `await new Promise(resolve => setTimeout(resolve, ${delay}))
       await gate.close()`,
    )
    expect((await running.ended).code).toBe(0)
    expect(running).toMatchObject({ stdout: '', stderr: '' })
  }
})

test('no outage ends in a warning, an unhandled rejection or a crash', async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  const proxy = await tcpProxy(database.url)
  const running = run(
    proxy.url(database.url),
    `gate.on('change', ({ state }) => console.log(state))
     process.stdin.once('data', () => gate.close()).on('end', () => {})
     process.stdin.unref()`,
  )
  let opened = 0
  const opens = () =>
    eventually(() => expect(running.stdout.split('\n').filter(line => line === 'open').length).toBeGreaterThan(opened))
  const closes = () => eventually(() => expect(running.stdout.trim().split('\n').at(-1)).not.toBe('open'))
  await opens()
  // Every kind of loss, at many moments of the life of a connection.
  for (let cut = 1; cut <= 24; cut++) {
    opened = running.stdout.split('\n').filter(line => line === 'open').length
    proxy.cutAt(proxy.messages.length + (cut % 12) + 12, cut % 2 === 0 ? 'cut-before' : 'cut-after')
    proxy.cut()
    await opens()
  }
  opened = running.stdout.split('\n').filter(line => line === 'open').length
  proxy.refuse(true)
  proxy.cut()
  await closes()
  proxy.refuse(false)
  await opens()
  opened = running.stdout.split('\n').filter(line => line === 'open').length
  proxy.pause()
  await closes()
  proxy.resume()
  await opens()
  running.child.stdin?.end('close\n')
  expect((await running.ended).code).toBe(0)
  expect(running.stderr).toBe('')
  expect(running.stdout).not.toContain('unhandled')
  console.log(`${proxy.connections.made} connections over ${running.stdout.split('\n').length - 1} changes`)
})

test('after a long standstill a guarded pool sends nothing until the database has answered the gate', async ({
  database,
}) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.applyQuietly('0001_users', '0002_tickets')
  await database.query('create table notes (text text)')
  const running = run(
    database.url,
    `import pg from 'pg'
     import { guardPool } from ${JSON.stringify(library)}
     const pool = guardPool(gate, new pg.Pool({ connectionString: ${JSON.stringify(database.url)} }))
     await gate.whenOpen({ timeout: 5000 })
     gate.enter()
     await pool.query('select 1')
     process.stdin.on('data', () => {
       setTimeout(async () => {
         const outcome = pool.query("insert into notes values ('late')").then(() => 'written', () => 'ended')
         console.log(await outcome)
       }, 800)
       console.log('inside')
     })
     console.log('open')`,
  )
  const says = (text: string) => eventually(() => expect(running.stdout).toBe(text))
  const pauseDuring = async (work: () => Promise<unknown>) => {
    running.child.stdin?.write('go on\n')
    await eventually(() => expect(running.stdout).toMatch(/inside\n$/))
    running.kill('SIGSTOP')
    await work()
    running.kill('SIGCONT')
  }
  await says('open\n')
  const holds = `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`
  await pauseDuring(() => eventually(async () => expect((await database.query(holds)).rows).toHaveLength(0)))
  await says('open\ninside\nwritten\n')
  await eventually(async () => expect((await database.query(holds)).rows).toHaveLength(1))
  await pauseDuring(() => ledger.drop())
  await says('open\ninside\nwritten\ninside\nended\n')
  expect((await database.query('select text from notes')).rows).toHaveLength(1)
})

test.for([
  ['sends', `pool.query("insert into notes values ('late')")`],
  ['reads', 'waited'],
])(
  'what blocked the process for long %s nothing over a guarded pool until the database has answered the gate',
  async ([_does, work], { database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query('create table notes (text text)')
    const drop = `
    import pg from ${JSON.stringify(import.meta.resolve('pg'))}
    const client = new pg.Client(${JSON.stringify(database.url)})
    await client.connect()
    await client.query('drop schema schemagate cascade')
    await client.end()`
    const running = run(
      database.url,
      `import { execFileSync } from 'node:child_process'
     import pg from 'pg'
     import { guardPool } from ${JSON.stringify(library)}
     const pool = guardPool(gate, new pg.Pool({ connectionString: ${JSON.stringify(database.url)} }))
     await gate.whenOpen({ timeout: 5000 })
     gate.enter()
     const wait = () => pool.query('select pg_sleep(0.1)')
     await Promise.all([wait(), wait()])
     const waited = wait()
     waited.catch(() => {})
     await new Promise(resolve => setTimeout(resolve, 20))
     // waits until the server has ended the gate's hold
     execFileSync(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(drop)}])
     console.log(await ${work}.then(() => 'done', () => 'ended'))
     gate.leave()
     await Promise.all([gate.close(), pool.end()])`,
    )
    expect((await running.ended).code).toBe(0)
    expect(running).toMatchObject({ stdout: 'ended\n', stderr: '' })
    expect((await database.query('select text from notes')).rows).toEqual([])
  },
)

test("a listener's own error is the app's, and does not stop the gate", async ({ database }) => {
  const running = run(
    database.url,
    `gate.on('change', ({ state }) => { console.log(state); throw new Error('a bug of the app') })
     process.on('uncaughtException', error => console.log('uncaught: ' + error.message))
     process.stdin.once('data', () => gate.close())`,
  )
  await eventually(() => expect(running.stdout).toBe('unmigrated\nuncaught: a bug of the app\n'))
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.apply('0001_users', '0002_tickets')
  await eventually(() => expect(running.stdout).toMatch(/open\nuncaught: a bug of the app\n$/))
  running.child.stdin?.end('close\n')
  expect((await running.ended).code).toBe(0)
})

test("a listener's own error keeps no other listener from hearing", async ({ database }) => {
  const ledger = ledgerOf(database)
  await ledger.create()
  await ledger.apply('0001_users', '0002_tickets')
  const running = run(
    database.url,
    `gate.on('change', () => { throw new Error('a bug of the app') })
     process.on('uncaughtException', error => console.log('uncaught: ' + error.message))
     await gate.whenOpen()
     console.log('open')
     await gate.close()`,
  )
  expect((await running.ended).code).toBe(0)
  expect(running.stdout).toContain('open\n')
})
