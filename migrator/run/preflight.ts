// Looks at pending files before anything runs: what no server understands should not stop a run half-way.

import { UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { placeAt } from '../sql/excerpt.ts'
import { type Foreign, findCopyFromStdin, findFlywayPlaceholder, findForeign, maybeForeign } from '../sql/foreign.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'

/**
 * @throws UsageError naming the place, if a file holds a psql command or a template mark where SQL must stand. Whether
 *   it stands there is the grammar's word: inside a string or a function's body the same characters are rightful.
 */
export async function checkForms(migrations: readonly Migration[]): Promise<void> {
  for (const { up: part, layout } of migrations) {
    if (!part) continue
    const sql = part.source.slice(part.start, part.end)
    const flyway = layout === 'flyway' || layout === 'repeatable'
    const foreign = (flyway && findFlywayPlaceholder(sql)) || (await foreignToGrammar(sql))
    if (!foreign) continue
    const { line, column, excerpt } = placeAt(part.file, part.source, part.start + foreign.offset)
    throw new UsageError(`${part.file}, line ${line}, column ${column}: ${foreign.message}\n${excerpt}`)
  }
}

async function foreignToGrammar(sql: string): Promise<Foreign | undefined> {
  if (!maybeForeign(sql)) return undefined
  await loadParser()
  const statements = parseStatements(sql)
  return statements ? findCopyFromStdin(statements) : findForeign(sql)
}
