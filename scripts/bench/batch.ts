// A million rows in batches by `context.batch`, beside the same loop in SQL: a procedure that commits after each batch.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { runBench } from './frame/bench.ts'
import { alternate, Contender, rounds } from './frame/contenders.ts'
import type { Figure } from './frame/figures.ts'
import { migratorOfImage } from './frame/migrator.ts'
import { runTimed } from './frame/processes.ts'
import { withServer } from './frame/server.ts'

const limit = 1.2
const rows = 1_000_000
const size = 5_000

const table = `create table t (id bigint primary key, name text not null, upper_name text);
insert into t (id, name) select i, 'name ' || i from generate_series(1, ${rows}) i;`

const migration = `// migrate:up transaction:false
export async function up({ batch }) {
  await batch({ table: 't', key: 'id', size: ${size}, set: 'upper_name = upper(name)' })
}
`

const loop = `do $$
declare
  last bigint := 0;
  next bigint;
begin
  loop
    select max(id) into next from (select id from t where id > last order by id limit ${size}) as taken;
    exit when next is null;
    update t set upper_name = upper(name) where id > last and id <= next;
    last := next;
    commit;
  end loop;
end $$;
`

async function batches(): Promise<readonly Figure[]> {
  const migrator = await migratorOfImage()
  return withServer(async ({ database, work, description }) => {
    console.log(`batch: ${description}, Node ${process.version}`)
    const dir = join(work, 'migrations')
    await mkdir(dir)
    await writeFile(join(dir, '0001.mjs'), migration)
    const filled = async () => {
      const url = await database()
      const client = new pg.Client(url)
      await client.connect()
      try {
        await client.query(table)
        await client.query('vacuum analyze t')
        await client.query('checkpoint')
      } finally {
        await client.end()
      }
      return url
    }
    const ours = new Contender(async () => {
      const env = { SCHEMAGATE_DIR: dir, SCHEMAGATE_ON_FOREIGN_TABLES: 'run', LOG_LEVEL: 'warn' }
      return migrator(['up'], { ...env, DATABASE_URL: await filled() })
    })
    const theirs = new Contender(async () => runTimed('psql', ['-X', '-q', '-c', loop, '-d', await filled()]))
    await alternate(rounds(3), [ours, theirs], { warmUps: 0 })
    return [
      {
        group: 'batches',
        what: `${rows.toLocaleString('en')} rows by context.batch: wall`,
        ours: ours.middle('wall'),
        unit: 'ms',
        than: 'the same loop in SQL',
        theirs: theirs.middle('wall'),
        limit,
      },
    ]
  })
}

await runBench(import.meta, batches)
