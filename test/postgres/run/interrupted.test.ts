// Signals, locks and lost servers: a run that is stopped leaves nothing behind, and one that can go on does.

import { expect } from 'vitest'
import { type CliResult, schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { ask } from '../../helpers/replication.ts'
import { ownServer } from '../../helpers/server.ts'
import { migratorSessions, nothingLeft, untilItRuns } from '../../helpers/session-watch.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

/** A migration that takes a minute for as long as the table `knob` says so. */
const slow = `
create table made (a int);
do $$ begin
  if (select slow from knob) then perform pg_sleep(60); end if;
end $$;
`
const knob = 'create table knob (slow boolean); insert into knob values (true)'
const files = {
  '0001_first.sql': 'create table first (a int);',
  '0002_slow.sql': slow,
  '0003_last.sql': 'create table last (a int);',
}

// The table `knob` is there before the first run.
const env = (database: ScratchDatabase) => ({
  env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
})

async function tables(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select relname as name from pg_class where relname in ('first', 'made', 'last') order by 1",
  )
  return rows.map(row => row.name)
}

async function ledger(database: ScratchDatabase): Promise<object[]> {
  return (await database.query('select name, state from schemagate.ledger order by position')).rows
}

const error = (result: CliResult) => result.lines.find(line => line.level === 'error')?.msg

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`${signal} in the middle of a long statement ends in ${code} within two seconds and leaves nothing of it`, async ({
    database,
  }) => {
    await database.query(knob)
    const dir = await folder(files)
    const run = start(['up', '--dir', dir], env(database))
    await untilItRuns(database, /pg_sleep/)
    const told = performance.now()
    run.kill(signal)
    const result = await run.ended
    const took = performance.now() - told
    // not merely after the process: at once
    await nothingLeft(database, 500)
    expect(result.code, result.stdout).toBe(code)
    expect(took).toBeLessThan(2_000)
    expect(result.stdout.trimEnd().split('\n').at(-1)).toContain('"event":"run"')
    expect(result.lines.at(-1)).toMatchObject({
      event: 'run',
      outcome: 'interrupted',
      applied: 1,
      notReached: 2,
      exitCode: code,
    })
    expect(await tables(database)).toEqual(['first'])
    expect(await ledger(database)).toEqual([{ name: '0001_first', state: 'applied' }])
    await database.query('update knob set slow = false')
    expect((await schemagate(['up', '--dir', dir], env(database))).code).toBe(0)
    expect(await tables(database)).toEqual(['first', 'last', 'made'])
  })
}

test('SIGTERM while another migrator is waited for ends in 143 within two seconds', async ({ database }) => {
  await database.query(knob)
  const dir = await folder(files)
  const holder = start(['up', '--dir', dir], env(database))
  await untilItRuns(database, /pg_sleep/)
  const waiter = start(['up', '--dir', dir], env(database))
  await eventually(() => expect(waiter.lines.some(line => line.event === 'lock-wait')).toBe(true))
  const told = performance.now()
  waiter.kill('SIGTERM')
  const result = await waiter.ended
  expect(performance.now() - told).toBeLessThan(2_000)
  expect(result.code, result.stdout).toBe(143)
  // the one who works is not disturbed
  await eventually(async () => expect(await migratorSessions(database)).toHaveLength(1))
  holder.kill('SIGTERM')
  expect((await holder.ended).code).toBe(143)
})

test('SIGTERM in a transaction of a code migration rolls it back; in one without, it says so by the signal', async ({
  createDatabase,
}) => {
  for (const mark of ['', '// migrate:up transaction:false\n']) {
    const database = await createDatabase()
    await database.query(knob)
    const dir = await folder({
      '0001_code.mjs': `${mark}export async function up({ query, signal }) {
        await query('create table if not exists made (a int)')
        await query('${slow.split('\n').slice(2).join(' ').replaceAll("'", "\\'")}')
        if (signal.aborted) throw new Error('never here')
      }`,
    })
    const run = start(['up', '--dir', dir], env(database))
    await untilItRuns(database, /pg_sleep/)
    const told = performance.now()
    run.kill('SIGTERM')
    const result = await run.ended
    expect(performance.now() - told).toBeLessThan(2_000)
    expect(result.code, result.stdout).toBe(143)
    await nothingLeft(database, 500)
    expect(await tables(database)).toEqual(mark ? ['made'] : [])
    expect(await ledger(database)).toEqual(mark ? [{ name: '0001_code', state: 'running' }] : [])
    await database.query('update knob set slow = false')
    expect((await schemagate(['up', '--dir', dir], env(database))).code).toBe(0)
    expect(await ledger(database)).toEqual([{ name: '0001_code', state: 'applied' }])
  }
})

test('a run whose server cannot be reached any more ends within three seconds of SIGTERM, and at once with a second signal', async ({
  database,
}) => {
  await database.query(knob)
  const dir = await folder(files)
  for (const signals of [1, 2]) {
    const proxy = await tcpProxy(database.url)
    const run = start(['up', '--dir', dir], {
      env: { ...env(database).env, DATABASE_URL: proxy.url(database.url) },
    })
    await untilItRuns(database, /pg_sleep/)
    proxy.pause()
    let told = performance.now()
    run.kill('SIGTERM')
    if (signals === 2) {
      // the first is at work: it has asked the server to cancel
      await eventually(() => expect(proxy.messages.some(message => message.type === 'cancel')).toBe(true))
      told = performance.now()
      run.kill('SIGTERM')
    }
    const result = await run.ended
    expect(performance.now() - told).toBeLessThan(3_000)
    expect(result.code, result.stdout).toBe(143)
    const summary = result.lines.at(-1)
    expect(summary).toMatchObject({ event: 'run', outcome: 'interrupted' })
    // only a run that has come to its end knows what it has not reached; the second signal waits for no end
    if (signals === 1) expect(summary).toHaveProperty('notReached', 2)
    else expect(summary).not.toHaveProperty('notReached')
    await proxy.close()
    await nothingLeft(database, 5_000)
  }
})

test('after a run was killed outright in a long statement, the next one goes on as soon as the server has noticed', async ({
  database,
}) => {
  await database.query(knob)
  const dir = await folder(files)
  const killed = start(['up', '--dir', dir], env(database))
  const pid = await untilItRuns(database, /pg_sleep/)
  killed.kill('SIGKILL')
  await killed.ended
  await database.query('update knob set slow = false')
  const begun = performance.now()
  const result = await schemagate(['up', '--dir', dir], env(database))
  expect(result.code, result.stdout).toBe(0)
  // a minute, if the server had worked on
  expect(performance.now() - begun).toBeLessThan(10_000)
  const { rows } = await database.query('select 1 from pg_stat_activity where pid = $1', [pid])
  expect(rows).toEqual([])
  expect(await ledger(database)).toEqual(
    Object.keys(files).map(file => ({ name: file.replace('.sql', ''), state: 'applied' })),
  )
})

test('a run that finds another one frozen says for whom it waits, and goes on once that one is killed', async ({
  database,
}) => {
  await database.query(knob)
  const dir = await folder(files)
  const frozen = start(['up', '--dir', dir], env(database))
  const pid = await untilItRuns(database, /pg_sleep/)
  // the process is there, its connection is open, and nothing moves
  frozen.kill('SIGSTOP')
  const next = start(['up', '--dir', dir], env(database))
  const waits = () => next.lines.filter(line => line.event === 'lock-wait').map(line => line.msg)
  await eventually(() => expect(waits()).not.toEqual([]))
  await database.query('update knob set slow = false')
  frozen.kill('SIGKILL')
  await frozen.ended
  const result = await next.ended
  expect(result.code, result.stdout).toBe(0)
  expect(waits()).toEqual([
    expect.stringMatching(new RegExp(`waiting for another migrator: pid ${pid}, .*connected since`)),
  ])
})

test('a migrator that cannot have the lock in time ends with exit 4 and names who holds it', async ({ database }) => {
  await database.query(knob)
  const dir = await folder(files)
  const holder = start(['up', '--dir', dir], env(database))
  const pid = await untilItRuns(database, /pg_sleep/)
  const begun = performance.now()
  const short = await schemagate(['up', '--dir', dir, '--lock-wait', '1s'], env(database))
  expect(performance.now() - begun).toBeGreaterThan(1_000)
  expect(short.code, short.stdout).toBe(4)
  expect(error(short)).toMatch(new RegExp(`held the run lock for 1.*: pid ${pid}, user .*schemagate migrator`))
  const longer = await schemagate(['up', '--dir', dir, '--lock-wait', '2500ms'], env(database))
  expect(longer.code).toBe(4)
  expect(longer.lines.filter(line => line.event === 'lock-wait')).toHaveLength(1)
  holder.kill('SIGTERM')
  await holder.ended
})

test('a migration that makes others wait, or waits itself, is watched and says so', async ({ database }) => {
  await database.query(`${knob}; create table t (a int)`)
  const dir = await folder({ '0001_slow.sql': `alter table t add column b int;\n${slow}` })
  const run = start(['up', '--dir', dir], env(database))
  await untilItRuns(database, /pg_sleep/)
  const reader = await database.connect()
  const { rows } = await reader.query<{ pid: number }>('select pg_backend_pid() as pid')
  const reading = reader.query('select count(*) from t')
  await eventually(() => {
    const watched = run.lines.filter(line => line.event === 'watch').map(line => line.msg)
    expect(watched.join('\n')).toMatch(
      new RegExp(`0001_slow has run for .*; it is blocking pid ${rows[0]?.pid} .*select count`),
    )
  })
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(143)
  await reading
})

for (const mode of ['fast', 'immediate'] as const) {
  test(`a run whose server is restarted under it (${mode}) goes on and ends well`, async () => {
    const server = await ownServer()
    const { default: pg } = await import('pg')
    const query = async (sql: string) => {
      const client = new pg.Client({ connectionString: server.url, application_name: 'test' })
      await client.connect()
      try {
        return (await client.query(sql)).rows
      } finally {
        await client.end()
      }
    }
    await query(knob)
    const dir = await folder(files)
    const run = start(['up', '--dir', dir], {
      env: { DATABASE_URL: server.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    await eventually(
      async () =>
        expect(
          await query("select from pg_stat_activity where query ~ 'pg_sleep' and application_name ~ 'migrator'"),
        ).toHaveLength(1),
      { timeout: 30_000 },
    )
    await query('update knob set slow = false')
    await server.restart(mode)
    const result = await run.ended
    expect(result.code, result.stdout).toBe(0)
    expect(await query('select name from schemagate.ledger order by position')).toEqual(
      Object.keys(files).map(file => ({ name: file.replace('.sql', '') })),
    )
  })
}

test('a commit that waits for a synchronous standby says so after ten seconds, and SIGTERM leaves no session that goes on waiting', async () => {
  const server = await ownServer()
  const dir = await folder({ '0001_a.sql': 'create table a ();' })
  const options = { env: { DATABASE_URL: server.url } }
  expect((await schemagate(['up', '--dir', dir], options)).code).toBe(0)
  await ask(server, "alter system set synchronous_standby_names = 'gone'")
  await ask(server, 'select pg_reload_conf()')
  await write(dir, { '0002_b.sql': 'create table b ();' })
  await eventually(async () => {
    const rows = await ask(server, "select current_setting('synchronous_standby_names') as names")
    expect(rows).toEqual([{ names: 'gone' }])
  })
  const run = start(['up', '--dir', dir], options)
  const waits = () => run.lines.filter(line => line.event === 'progress').map(line => line.phase)
  await eventually(() => expect(waits()[0], run.output).toContain('waiting for a synchronous standby'), {
    timeout: 30_000,
  })
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(143)
  await eventually(async () => {
    const sessions = await ask(server, "select query from pg_stat_activity where application_name ~ 'migrator'")
    expect(sessions).toEqual([])
  })
  // what it drops at its end waits as well, and is left to the next one
  const verify = start(['verify', '--dir', dir], options)
  await eventually(async () => {
    const waiting = await ask(
      server,
      "select wait_event from pg_stat_activity where query ~ 'create database' and wait_event = 'SyncRep'",
    )
    expect(waiting, verify.output).toHaveLength(1)
  })
  verify.kill('SIGTERM')
  expect((await verify.ended).code).toBe(143)
  await ask(server, 'alter system reset synchronous_standby_names')
  await ask(server, 'select pg_reload_conf()')
  expect((await schemagate(['up', '--dir', dir], options)).code).toBe(0)
})

test('a run whose server does not come back ends with exit 3 once the time to connect is up', async () => {
  const server = await ownServer()
  const dir = await folder({ '0001_sleep.sql': 'select pg_sleep(60);', '0002_t.sql': 'create table t (a int);' })
  const withStep = await folder({ '0001_steps.sql': '-- migrate:up transaction:false\nselect pg_sleep(60);' })
  for (const folderOfRun of [dir, withStep]) {
    await server.start()
    const run = start(['up', '--dir', folderOfRun, '--connect-timeout', '1s'], {
      env: { DATABASE_URL: server.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: server.url, application_name: 'test' })
    client.on('error', () => {})
    await client.connect()
    await eventually(
      async () => {
        const { rowCount } = await client.query(
          "select from pg_stat_activity where query ~ 'pg_sleep' and application_name ~ 'migrator'",
        )
        expect(rowCount).toBe(1)
      },
      { timeout: 30_000 },
    )
    await server.crash()
    const result = await run.ended
    expect(result.code, result.stdout).toBe(3)
    expect(error(result)).toMatch(/did not answer within 1/)
    expect(result.lines.at(-1)).toMatchObject({ event: 'run', outcome: 'failed', exitCode: 3 })
  }
})
