// Looks at pending files before anything runs: what no server understands should not stop a run half-way.

import { UsageError } from '../errors.ts'
import type { Layout, Migration, SqlPart } from '../files/migration.ts'
import { placeAt } from '../sql/excerpt.ts'
import {
  type Foreign,
  findCopyFromStdin,
  findFlywayPlaceholder,
  findForeign,
  findTemplateInName,
  maybeForeign,
} from '../sql/foreign.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'
import { scan } from '../sql/scan.ts'
import { planPart } from './apply.ts'
import { loadModule } from './module.ts'

/**
 * @throws UsageError naming the place, if a file holds a psql command or a template mark where SQL must stand (inside a
 *   string or a function's body the same characters are rightful), if it must be cut into statements and cannot be, or
 *   if it is code that cannot be loaded.
 */
export async function checkForms(migrations: readonly Migration[], signal: AbortSignal): Promise<void> {
  for (const migration of migrations) {
    if (migration.up) await checkPart(migration.up, migration.layout)
    else await loadModule(migration, signal)
  }
}

async function checkPart(part: SqlPart, layout: Layout): Promise<void> {
  const sql = part.source.slice(part.start, part.end)
  const flyway = layout === 'flyway' || layout === 'repeatable'
  const foreign = (flyway && findFlywayPlaceholder(sql)) || (await foreignToGrammar(sql))
  if (foreign) {
    const place = placeAt(part.file, part.source, part.start + foreign.offset)
    throw new UsageError(`${part.file}, line ${place.line}, column ${place.column}: ${foreign.message}`, { place })
  }
  const ownTransaction = /\b(begin|start)\b/i.test(sql) && /\b(begin|start)\b/i.test(scan(sql).code)
  if (ownTransaction || !part.marks.transaction) await planPart(part)
}

async function foreignToGrammar(sql: string): Promise<Foreign | undefined> {
  if (!maybeForeign(sql)) return undefined
  await loadParser()
  const statements = parseStatements(sql)
  return statements ? (findCopyFromStdin(statements) ?? findTemplateInName(sql)) : findForeign(sql)
}
