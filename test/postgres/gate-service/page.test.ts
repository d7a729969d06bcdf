// The page: what it shows and to whom, what it costs the database, and that nothing in it is taken for markup.

import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { ledgerOf, manifest } from '../gate/fixtures.ts'
import { type GateService, gateService, manifestFile } from './fixtures.ts'

const password = 'app-password'

/** A migrated database, its app's role, and a service that logs in with it. */
async function migrated(database: ScratchDatabase, args: readonly string[] = []) {
  const role = database.role('app')
  const dir = await folder({ '0001_users.sql': 'create table users (id int);\n' })
  const env = {
    DATABASE_URL: database.url,
    SCHEMAGATE_DIR: dir,
    SCHEMAGATE_APP_ROLE: role,
    SCHEMAGATE_APP_PASSWORD: password,
    LOG_FORMAT: 'json',
  }
  expect((await schemagate(['up'], { env })).code).toBe(0)
  await write(dir, { '0002_orders.sql': 'create table orders (id int);\n' })
  const { stdout } = await schemagate(['manifest'], { env })
  const known = JSON.parse(stdout)
  const gate = await gateService({ url: database.urlFor(role, password), manifest: known, args })
  const run = (command: string) => () => schemagate([command], { env })
  return { gate, role, manifest: known, up: run('up'), verify: run('verify') }
}

const textOf = async (gate: GateService) => (await gate.get('/')).text()

describe('the page', () => {
  test('shows what is pending and applied, who is connected, and what the role may not read', async ({ database }) => {
    const { gate, up } = await migrated(database)
    await eventually(async () => {
      const text = await textOf(gate)
      expect(text).toContain('<title>Closed · schemagate</title>')
      expect(text).toMatch(/<div id="pending"><ol class="names"><li><code>0002_orders<\/code>/)
      expect(text).toMatch(/<td data-head="Migration"><div><code>0001_users<\/code>/)
      expect(text).toContain('The gate&#39;s role may not read this (&quot;schemagate&quot;.runs)')
      expect(text).toContain('grant it select on &quot;schemagate&quot;.runs.')
      // a gate says who it is on a connection that may be cut and made again on a busy machine
      expect(text).toContain('<span class="quiet">this release</span>')
    })
    expect(await textOf(gate)).not.toContain(password)
    expect((await up()).code).toBe(0)
    await eventually(async () => {
      const after = await textOf(gate)
      expect(after).toContain('<title>Open · schemagate</title>')
      expect(after).toContain('Nothing: the database has every migration of the app.')
    })
  })

  test('shows the last runs to a role of its own that may read them', async ({ database }) => {
    const { manifest: known } = await migrated(database)
    const role = database.role('gate')
    await database.query(`create role ${role} login password '${password}';
      grant usage on schema schemagate to ${role};
      grant select on schemagate.ledger, schemagate.runs to ${role}`)
    const gate = await gateService({ url: database.urlFor(role, password), manifest: known })
    await eventually(async () =>
      expect(await textOf(gate)).toMatch(/<code>up<\/code>.*<span class="tag good">applied<\/span> 1 migration/s),
    )
  })

  test('shows what verify found when it last ran', async ({ database }) => {
    const { manifest: known, up, verify } = await migrated(database)
    const gate = await gateService({ url: database.url, manifest: known })
    const drift = async () => /<div id="drift">(.*?)<\/div>/s.exec(await textOf(gate))![1]
    await eventually(async () => expect(await drift()).toContain('schemagate verify has not run'))
    expect((await up()).code).toBe(0)
    expect((await verify()).code).toBe(0)
    await eventually(async () => expect(await drift()).toMatch(/none<.*from what the migrations make/))
    await database.query('alter table users add by_hand text; create table strange ()')
    expect((await verify()).code).toBe(7)
    await eventually(async () => expect(await drift()).toContain('>2 differences<'))
    const { rows } = await database.query<{ at: Date }>('select verified_at as at from schemagate.schemagate_expected')
    await eventually(async () => expect(await drift()).toContain(rows[0]!.at.toISOString()))
  })

  test('shows names as they are, whatever they look like', async ({ database }) => {
    const evil = `<img src=x onerror="alert('1')">&amp;`
    const ledger = ledgerOf(database)
    await ledger.create()
    await ledger.apply(evil)
    const gate = await gateService({ url: database.url, manifest: manifest(evil, `${evil}2`) })
    await database.query("set application_name = 'schemagate:0123456789ab:<script>alert(2)</script>'")
    await eventually(async () => {
      const text = await textOf(gate)
      expect(text).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;')
      expect(text).not.toContain('<img')
      expect(text).not.toContain('<script>alert')
    })
  })

  test('says so where there is no database', async () => {
    const gate = await gateService({ url: 'postgres://app:secret-word@127.0.0.1:1/none', manifest: manifest('0001_a') })
    const text = await textOf(gate)
    expect(text).toContain('The database does not answer (ECONNREFUSED).')
    expect(text).not.toContain('secret-word')
    expect(await gate.ready()).toBe(503)
  })

  test('is for those who have the token', async ({ database }) => {
    const { gate } = await migrated(database, ['--token-file', await manifestFile('the-token')])
    for (const path of ['/', '/events', '/metrics']) expect((await gate.get(path)).status).toBe(401)
    const answer = await gate.get('/', { authorization: `Basic ${btoa('me:the-token')}` })
    expect(answer.status).toBe(200)
    const policy = answer.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(await answer.text()).not.toContain('the-token')
  })

  test('asks the database once in two seconds at most, however many look, and not at all when they have left', async ({
    database,
  }) => {
    const { gate, role } = await migrated(database)
    const reads = async () => {
      const { rows } = await database.query<{ at: Date }>(
        `select query_start as at from pg_stat_activity where usename = $1 and query like '%pg_stat_replication%'`,
        [role],
      )
      return rows
    }
    const started = Date.now()
    const seen = new Set<number>()
    while (Date.now() - started < 3_000) {
      await Promise.all(Array.from({ length: 50 }, () => textOf(gate)))
      for (const { at } of await reads()) seen.add(at.getTime())
    }
    expect(seen.size).toBeGreaterThan(0)
    expect(seen.size).toBeLessThanOrEqual(2)
    const sessions = async () =>
      (await database.query('select from pg_stat_activity where usename = $1', [role])).rows.length
    await eventually(async () => expect(await sessions()).toBe(2), { timeout: 20_000 })
  })
})

describe('the live part', () => {
  /** Reads events until it is told to stop. */
  async function watch(gate: GateService) {
    const leaving = new AbortController()
    const response = await fetch(`${gate.url}/events`, { signal: leaving.signal })
    const events: Record<string, string>[] = []
    const done = (async () => {
      let text = ''
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk
        const parts = text.split('\n\n')
        text = parts.pop()!
        for (const part of parts) if (part.startsWith('data: ')) events.push(JSON.parse(part.slice(6)))
      }
    })().catch(() => {})
    const leave = () => {
      leaving.abort()
      return done
    }
    return { status: response.status, events, leave }
  }

  test('sends what has changed, at once, and to fifty browsers at most', async ({ database }) => {
    const { gate, up } = await migrated(database)
    const first = await watch(gate)
    await eventually(() => expect(Object.keys(first.events[0] ?? {})).toHaveLength(7))
    await up()
    await eventually(() => expect(first.events.some(({ state = '' }) => state.includes('>Open'))).toBe(true))
    const others = await Promise.all(Array.from({ length: 50 }, () => watch(gate)))
    expect(others.filter(({ status }) => status === 503)).toHaveLength(1)
    expect(await gate.metric('schemagate_gate_page_watchers')).toBe(50)
    await Promise.all([first, ...others].map(({ leave }) => leave()))
    await eventually(async () => expect(await gate.metric('schemagate_gate_page_watchers')).toBe(0))
  })
})
