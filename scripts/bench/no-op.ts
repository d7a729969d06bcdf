// A run with nothing to do, as compose makes it at every `up`: beside a start of Node, beside the least that asks Postgres
// anything, and with a long history beside a short one.

import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import pg from 'pg'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { migratorOfImage } from './frame/migrator.ts'
import { runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'
import { smallMigrations, writeSmallMigrations } from './frame/small-migrations.ts'

const starts = rounds(25)

const nodeLimit = 2.3
const bareLimit = 0.95
/** What ten times the history may cost. */
const historyLimit = 1.25
/** With 10,000 migrations applied: 200 ms where a start of Node takes 24. */
const longHistoryLimit = 8.3

const bareScript = `const pg = require(${JSON.stringify(createRequire(import.meta.url).resolve('pg'))})
const client = new pg.Client(process.env.DATABASE_URL)
client.connect().then(() => client.query('select 1')).then(() => client.end())
`

async function noOp(): Promise<readonly Figure[]> {
  const migrator = await migratorOfImage()
  return withServer(async server => {
    console.log(`no-op: ${server.description}, Node ${process.version}`)
    const script = join(server.work, 'bare.cjs')
    await writeFile(script, bareScript)
    const node = new Contender(() => runTimed(process.execPath, ['-e', '0']))
    const bare = new Contender(() => runTimed(process.execPath, [script], { DATABASE_URL: server.url }))
    /** An `up` with so many applied, set as compose sets it. The app's role has a password. */
    const applied = async (count: number, hasRole = false): Promise<Contender> => {
      const role = { SCHEMAGATE_APP_ROLE: server.role(), SCHEMAGATE_APP_PASSWORD: 'a-password-of-the-app' }
      const env = {
        DATABASE_URL: await server.database(),
        SCHEMAGATE_DIR: await writeSmallMigrations(server.work, count),
        ...(hasRole && role),
      }
      await migrator(['up'], env)
      return new Contender(() => migrator(['up'], env))
    }
    /** The same with a history that was recorded without running it. */
    const recorded = async (count: number): Promise<Contender> => {
      const env = {
        DATABASE_URL: await server.database(),
        SCHEMAGATE_DIR: await writeSmallMigrations(server.work, count),
      }
      const client = new pg.Client(env.DATABASE_URL)
      await client.connect()
      await client.query('create table one (id int)')
      await client.end()
      await migrator(['baseline', smallMigrations(count).at(-1)!.name.replace('.sql', '')], env)
      return new Contender(() => migrator(['up'], env))
    }
    const plain = { hundred: await applied(100), thousand: await applied(1_000) }
    const withRole = { hundred: await applied(100, true), thousand: await applied(1_000, true) }
    const long = await recorded(10_000)
    await alternate(starts, [node, bare, ...Object.values(plain), ...Object.values(withRole)])
    await alternate(Math.ceil(starts / 3), [long])

    const beside = (what: string, ours: Contender, than: string, theirs: Contender, limit: number): Figure[] =>
      (['CPU', 'wall'] as const).map(measure => {
        const name = measure === 'CPU' ? 'cpu' : 'wall'
        const [a, b] = [ours.middle(name), theirs.middle(name)]
        return { group: 'no-op', what: `${what}: ${measure}`, ours: a, unit: 'ms', than, theirs: b, limit }
      })
    return [
      ...beside('100 applied', plain.hundred, 'node -e 0', node, nodeLimit),
      ...beside('100 applied, app role', withRole.hundred, 'node -e 0', node, nodeLimit),
      ...beside('100 applied', plain.hundred, 'node + pg + select 1', bare, bareLimit),
      ...beside('100 applied, app role', withRole.hundred, 'node + pg + select 1', bare, bareLimit),
      ...beside('1,000 applied', plain.thousand, '100 applied', plain.hundred, historyLimit),
      ...beside('1,000 applied, app role', withRole.thousand, '100 applied, app role', withRole.hundred, historyLimit),
      ...beside('10,000 applied', long, 'node -e 0', node, longHistoryLimit).slice(0, 1),
    ]
  })
}

await runBench(import.meta, noOp)
