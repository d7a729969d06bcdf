// Schemas from SQL, read and compared as `verify` does it.

import { readTarget } from '../../gate/postgres/target.ts'
import { silent } from '../../migrator/log.ts'
import { Session } from '../../migrator/postgres/session.ts'
import type { Catalog } from '../../migrator/verify/catalog/catalog.ts'
import { readCatalog } from '../../migrator/verify/catalog/read.ts'
import { type Comparison, compare } from '../../migrator/verify/compare.ts'
import type { ScratchDatabase } from './database.ts'

export async function catalogOf({ url }: Pick<ScratchDatabase, 'url'>): Promise<Catalog> {
  const session = await Session.open({
    target: readTarget(url, {}, undefined, [])!,
    timeout: 10_000,
    signal: new AbortController().signal,
    log: silent,
    applicationName: 'test',
  })
  try {
    return await readCatalog(session)
  } finally {
    session.close()
  }
}

/** Runs the statements of each in its database, and compares. */
export async function compareSchemas(
  found: ScratchDatabase,
  foundSql: readonly string[],
  expected: ScratchDatabase,
  expectedSql: readonly string[],
): Promise<Comparison> {
  const run = async (database: ScratchDatabase, statements: readonly string[]) => {
    for (const sql of statements.filter(Boolean))
      await database.query(sql).catch(error => {
        throw new Error(`${error.message}\n${sql}`)
      })
    return catalogOf(database)
  }
  const [a, b] = [await run(found, foundSql), await run(expected, expectedSql)]
  return compare(a, b)
}

export async function majorVersion(database: ScratchDatabase): Promise<number> {
  const { rows } = await database.query<{ version: string }>('show server_version_num')
  return Math.floor(Number(Object.values(rows[0] ?? {})[0]) / 10_000)
}
