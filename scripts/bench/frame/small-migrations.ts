// Folders of many small migrations, each a table with an index.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SmallMigration {
  /** The file's. */
  readonly name: string
  readonly sql: string
}

/** In memory; `writeSmallMigrations` makes the folder. */
export function smallMigrations(count: number): SmallMigration[] {
  return Array.from({ length: count }, (_, i) => {
    const n = String(i + 1).padStart(5, '0')
    const sql = `create table t${n} (id int primary key, name text not null);\ncreate index t${n}_name on t${n} (name);\n`
    return { name: `${n}_table.sql`, sql }
  })
}

/** Writes them to a folder in `work`, and returns its path. */
export async function writeSmallMigrations(work: string, count: number): Promise<string> {
  const dir = join(work, `migrations-${count}`)
  await mkdir(dir, { recursive: true })
  for (const { name, sql } of smallMigrations(count)) await writeFile(join(dir, name), sql)
  return dir
}
