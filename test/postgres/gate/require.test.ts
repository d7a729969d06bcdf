// schemagate.require, the gate for apps in any language: it says what the gate says.

import fc from 'fast-check'
import pg from 'pg'
import { describe, expect } from 'vitest'
import { judge } from '../../../gate/protocol/compatibility.ts'
import { requireFunctionDdl } from '../../../gate/protocol/require.ts'
import { test } from '../../helpers/database.ts'
import { ledgerOf, manifest, sha256 } from './fixtures.ts'

const app = manifest('0001_users', '0002_tickets')

async function raised(query: Promise<unknown>): Promise<pg.DatabaseError> {
  const error = await query.then(
    () => new Error('nothing was raised'),
    (cause: unknown) => cause,
  )
  if (!(error instanceof pg.DatabaseError)) throw error
  return error
}

describe('schemagate.require', () => {
  test('it is true where the gate would be open, and raises what is wrong elsewhere', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await database.query(requireFunctionDdl('schemagate'))
    // Made again by every run.
    await database.query(requireFunctionDdl('schemagate'))
    const byHead = (head: string | null) => database.query('select schemagate.require($1) as ok', [head])
    const whole = () => database.query('select schemagate.require($1::jsonb) as ok', [JSON.stringify(app)])

    expect(await raised(byHead('0002_tickets'))).toMatchObject({
      code: 'SG007',
      message: 'schemagate: unmigrated: the database lacks 0002_tickets',
      detail: 'Its ledger is empty.',
      hint: expect.stringContaining('schemagate up'),
    })
    expect(await raised(whole())).toMatchObject({
      code: 'SG007',
      message: 'schemagate: unmigrated: the database lacks 0001_users',
      detail: 'Migrations: 0001_users, 0002_tickets',
    })

    await ledger.applyQuietly('0001_users')
    expect(await raised(byHead('0002_tickets'))).toMatchObject({
      message: 'schemagate: behind: the database lacks 0002_tickets',
      detail: 'The newest migration that it has is 0001_users.',
    })
    expect((await raised(whole())).message).toBe('schemagate: behind: the database lacks 0002_tickets')

    await ledger.begin('0002_tickets')
    for (const ask of [() => byHead('0002_tickets'), whole]) {
      expect(await raised(ask())).toMatchObject({
        code: 'SG007',
        message: 'schemagate: migrating: 0002_tickets is running, or was interrupted',
      })
    }
    await database.query(`update schemagate.ledger set state = 'applied'`)
    expect((await byHead('0002_tickets')).rows).toEqual([{ ok: true }])
    expect((await byHead('0001_users')).rows).toEqual([{ ok: true }])

    // as in the middle of a restore
    await database.query('alter table schemagate.ledger drop constraint ledger_pkey')
    for (const ask of [() => byHead('0002_tickets'), whole])
      expect((await raised(ask())).message).toBe(
        'schemagate: migrating: the ledger has no primary key: it is being restored',
      )
    await database.query('alter table schemagate.ledger add primary key (name)')
    expect((await byHead('0001_users')).rows).toEqual([{ ok: true }])
    expect((await byHead(JSON.stringify(app))).rows).toEqual([{ ok: true }])
    expect((await whole()).rows).toEqual([{ ok: true }])
    expect((await database.query(`select schemagate.require('0002_tickets') as ok`)).rows).toEqual([{ ok: true }])

    await ledger.applyQuietly('0003_harmless')
    await byHead('0002_tickets')
    await whole()
    await ledger.begin({ name: '0004_rename', breaking: true })
    for (const ask of [() => byHead('0002_tickets'), whole]) {
      expect(await raised(ask())).toMatchObject({
        code: 'SG007',
        message: 'schemagate: too-old: the database has 0004_rename, which breaks apps that do not know it',
      })
    }
    await database.query(`delete from schemagate.ledger where breaking`)
    await database.query(`update schemagate.ledger set checksum = 'other' where position = 1`)
    expect(await raised(whole())).toMatchObject({
      code: 'SG006',
      message:
        'schemagate: diverged: the database has applied 0001_users with other content than this app was built with',
    })
    // as someone writes it by hand
    for (const without of ['kind', 'checksum'] as const) {
      const entries = app.migrations.map(entry => ({ ...entry, [without]: undefined }))
      expect((await raised(byHead(JSON.stringify({ version: 1, migrations: entries })))).code).toBe('SG006')
    }

    for (const bad of ['', null]) expect(await raised(byHead(bad))).toMatchObject({ code: '22023' })
    expect(await raised(byHead('{"version": 2}'))).toMatchObject({ code: '22023' })
    expect(await raised(byHead('{"version": 1, "migrations": []}'))).toMatchObject({
      code: '22023',
      message: 'schemagate: this manifest has no migrations, and fits any database',
    })
    expect(await raised(byHead('{'))).toMatchObject({ code: '22P02' })
  })

  test('it works for a role that may only read the ledger, whatever its search_path', async ({ database }) => {
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.applyQuietly('0001_users', '0002_tickets')
    await database.query(requireFunctionDdl('schemagate'))
    const role = database.role('app')
    await database.query(`create role ${role} login password 'app-password'`)
    await database.query(`grant usage on schema schemagate to ${role}; grant select on schemagate.ledger to ${role}`)
    const client = await database.connect({ user: role, password: 'app-password' })
    await client.query('set search_path = nowhere')
    expect((await client.query(`select schemagate.require('0002_tickets') as ok`)).rows).toEqual([{ ok: true }])
    expect((await client.query('select schemagate.require($1) as ok', [JSON.stringify(app)])).rows[0].ok).toBe(true)
  })

  test('it says what the gate says, for any manifest and any ledger', async ({ database }) => {
    await ledgerOf(database).create()
    await database.query(requireFunctionDdl('schemagate'))
    const client = await database.connect()
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    const checksum = fc.constantFrom(sha256('1'), sha256('2'), sha256('3'))
    const known = fc.record({
      name,
      checksum,
      kind: fc.constantFrom('sql', 'code', 'repeatable'),
      breaking: fc.boolean(),
    })
    const row = fc.record({
      name,
      checksum,
      kind: fc.constantFrom('sql', 'code', 'repeatable', 'baseline'),
      breaking: fc.boolean(),
      state: fc.constantFrom('applied', 'running'),
      earlier: fc.option(fc.array(checksum, { maxLength: 2 })),
    })
    const entry = { name: 'a', checksum: sha256('1'), kind: 'sql', breaking: false } as const
    const applied = { ...entry, state: 'applied', earlier: null } as const
    const states = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(known, { selector: entry => entry.name, minLength: 1 }),
        fc.uniqueArray(row, { selector: entry => entry.name }),
        async (migrations, rows) => {
          await client.query('begin')
          await client.query(
            `insert into schemagate.ledger (name, checksum, position, kind, breaking, state, run_id, tool_version, journal)
             select name, checksum, ordinality, kind, breaking, state, gen_random_uuid(), 'test',
               case when jsonb_typeof(earlier) = 'array' then jsonb_build_object('earlier', earlier) end
             from rows from (jsonb_to_recordset($1) as
               (name text, checksum text, kind text, breaking boolean, state text, earlier jsonb)) with ordinality`,
            [JSON.stringify(rows)],
          )
          const built = { version: 1, head: migrations.at(-1)?.name ?? null, migrations } as const
          const said = await client.query('select schemagate.require($1::jsonb)', [JSON.stringify(built)]).then(
            () => 'open',
            (error: Error) => error.message.split(': ')[1],
          )
          await client.query('rollback')
          const { state } = judge(built, rows)
          states.set(state, (states.get(state) ?? 0) + 1)
          expect(said).toBe(state)
        },
      ),
      // chance alone seldom fits an app to a ledger
      { numRuns: 400, examples: [[[entry], [applied]]] },
    )
    // The property would be worth little if one answer were always right.
    expect(new Set(states.keys())).toEqual(
      new Set(['open', 'unmigrated', 'behind', 'diverged', 'too-old', 'migrating']),
    )
  })
})
