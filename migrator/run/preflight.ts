// Looks at pending files before anything runs: what no server understands should not stop a run half-way.

import { UsageError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { findPlaceholder, inWordsOf } from '../files/placeholders.ts'
import { placeAt } from '../sql/excerpt.ts'
import { type Foreign, findCopyFromStdin, findForeign, findTemplateInName, maybeForeign } from '../sql/foreign.ts'
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
  const doubtful = migrations.find(migration => migration.doubt !== undefined)
  if (doubtful) throw new UsageError(doubtful.doubt!)
  requireOneOrder(migrations)
  for (const migration of migrations) {
    if (migration.up) await checkPart(migration.up, migration.tool)
    else await loadModule(migration, signal)
  }
}

/**
 * Two readings of the folder may run its files in another order; those that are applied do not matter any more.
 * @throws UsageError with two files that change places.
 */
function requireOneOrder(migrations: readonly Migration[]): void {
  for (const [i, migration] of migrations.entries()) {
    const { otherPlace } = migration
    const earlier = migrations.slice(0, i).find(other => (other.otherPlace ?? -1) > (otherPlace ?? Infinity))
    if (earlier)
      throw new UsageError(
        `By number ${earlier.file} comes before ${migration.file}; dbmate, whose marks these are, orders names as text, and there it comes after. ` +
          'Say which holds: --layout native or --layout dbmate; or give all numbers the same width.',
      )
  }
}

async function checkPart(part: SqlPart, toolName: string | undefined): Promise<void> {
  const sql = part.source.slice(part.start, part.end)
  const foreign = findPlaceholder(sql, toolName) ?? (await foreignToGrammar(sql, toolName))
  if (foreign) {
    const place = placeAt(part.file, part.source, part.start + foreign.offset)
    throw new UsageError(`${part.file}, line ${place.line}, column ${place.column}: ${foreign.message}`, { place })
  }
  const ownTransaction = /\b(begin|start)\b/i.test(sql) && /\b(begin|start)\b/i.test(scan(sql).code)
  if (ownTransaction || !part.marks.transaction) await planPart(part)
}

async function foreignToGrammar(sql: string, toolName: string | undefined): Promise<Foreign | undefined> {
  if (!maybeForeign(sql)) return undefined
  await loadParser()
  const statements = parseStatements(sql)
  const found = statements ? (findCopyFromStdin(statements) ?? findTemplateInName(sql)) : findForeign(sql)
  return found && inWordsOf(found, sql, toolName)
}
