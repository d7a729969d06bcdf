// Applying a thousand small migrations, each with a commit of its own, beside psql that does the same in one go.

import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { migratorOfImage } from './frame/migrator.ts'
import { runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'
import { smallMigrations, writeSmallMigrations } from './frame/small-migrations.ts'

const group = 'apply'
const count = 1_000
const wallLimit = 1.05
/** Of what a start of Node takes: 450 ms where that takes 24. */
const cpuLimit = 18.75

async function apply(): Promise<readonly Figure[]> {
  const migrator = await migratorOfImage()
  return withServer(async ({ work, database, description }) => {
    console.log(`apply: ${description}, Node ${process.version}`)
    const dir = await writeSmallMigrations(work, count)
    const script = join(work, 'all.sql')
    await writeFile(
      script,
      smallMigrations(count)
        .map(({ sql }) => `begin;\n${sql}commit;\n`)
        .join(''),
    )
    const ours = new Contender(async () =>
      migrator(['up'], { DATABASE_URL: await database(), SCHEMAGATE_DIR: dir, LOG_LEVEL: 'warn' }),
    )
    const psql = new Contender(async () =>
      runTimed('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', script, '-d', await database()]),
    )
    const hasPsql = !spawnSync('psql', ['--version']).error
    if (!hasPsql) console.log('There is no psql on PATH: 1,000 migrations are not compared with it.')
    const node = new Contender(() => runTimed(process.execPath, ['-e', '0']))
    await alternate(rounds(5), hasPsql ? [ours, node, psql] : [ours, node])
    const cpu: Figure = {
      group,
      what: '1,000 small migrations: CPU',
      ours: ours.middle('cpu'),
      unit: 'ms',
      than: 'node -e 0',
      theirs: node.middle('cpu'),
      limit: cpuLimit,
    }
    if (!hasPsql) return [cpu]
    const [wall, theirs] = [ours.middle('wall'), psql.middle('wall')]
    const beside = { group, what: '1,000 small migrations: wall', than: 'psql', unit: 'ms', limit: wallLimit } as const
    return [{ ...beside, ours: wall, theirs }, cpu]
  })
}

await runBench(import.meta, apply)
