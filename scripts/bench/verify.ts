// What `verify` costs on a schema of 2,000 objects, once its expected schema is known.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { migratorOfImage } from './frame/migrator.ts'
import { withServer } from './frame/server.ts'

/** Milliseconds. */
const limit = 2_000
const tables = 200

/** Ten objects: a table with its primary key, four columns, a check, an index, a view with a column besides. */
const table = (
  n: number,
) => `create table t${n} (id int primary key, a text not null, b int default ${n}, c timestamptz check (c > '2020-01-01'));
create index t${n}_a on t${n} (a);
create view v${n} as select id from t${n};
`

async function verify(): Promise<readonly Figure[]> {
  const migrator = await migratorOfImage()
  return withServer(async ({ work, database, description }) => {
    console.log(`verify: ${description}, Node ${process.version}`)
    const dir = join(work, 'migrations')
    await mkdir(dir)
    await writeFile(join(dir, '0001_all.sql'), Array.from({ length: tables }, (_, n) => table(n)).join(''))
    const env = { DATABASE_URL: await database(), SCHEMAGATE_DIR: dir, LOG_LEVEL: 'warn' }
    const run = (verb: string) => migrator([verb], env)
    await run('up')
    const first = await run('verify')
    console.log(`verify: the first, in a scratch database: ${Math.round(first.wall)} ms`)
    const again = new Contender(() => run('verify'))
    await alternate(rounds(5), [again])
    return [{ group: 'verify', what: '2,000 objects: wall', ours: again.middle('wall'), unit: 'ms', limit }]
  })
}

await runBench(import.meta, verify)
