// Looks at pending files before anything runs: what no server understands should not stop a run half-way.

import { UsageError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { findPlaceholder, inWordsOf } from '../files/placeholders.ts'
import { placeAt } from '../sql/excerpt.ts'
import { type Foreign, findForeign, findTemplateInName } from '../sql/foreign.ts'
import { textOf } from '../sql/outline.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'
import { loadModule } from './module.ts'
import { outlineOf, planPart } from './planning.ts'

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
  const placeholder = findPlaceholder(part.source.slice(part.start, part.end), toolName)
  const foreign = placeholder
    ? { ...placeholder, offset: part.start + placeholder.offset }
    : (badData(part) ?? (await foreignToGrammar(part, toolName)))
  if (foreign) {
    const place = placeAt(part.file, part.source, foreign.offset)
    throw new UsageError(`${part.file}, line ${place.line}, column ${place.column}: ${foreign.message}`, { place })
  }
  await planPart(part)
}

/** In characters; a longer statement is left to the server. */
const longestChecked = 1 << 20

/** Offsets are of the file. */
async function foreignToGrammar(part: SqlPart, toolName: string | undefined): Promise<Foreign | undefined> {
  const { suspicious } = outlineOf(part)
  if (suspicious.length > 0) await loadParser()
  for (const piece of suspicious) {
    if (piece.end - piece.start > longestChecked) continue
    const text = textOf(part.source, piece)
    const foreign = parseStatements(text) ? findTemplateInName(text) : findForeign(text)
    if (foreign) return { ...inWordsOf(foreign, text, toolName), offset: piece.start + foreign.offset }
  }
  return undefined
}

/** A COPY whose data is not there, or does not end. */
function badData(part: SqlPart): Foreign | undefined {
  const { copies, unclosed } = outlineOf(part)
  if (unclosed?.what === 'data of COPY')
    return {
      offset: unclosed.offset,
      message:
        'the data of this COPY does not end: it begins on the line behind its semicolon, and ends with a line that holds `\\.` alone. Add that line, write INSERTs, or load the data in a code migration.',
    }
  const bare = copies.find(({ data }) => data === undefined)
  return (
    bare && {
      offset: bare.start,
      message:
        'this COPY has no data: its data begins on the line behind its semicolon, on which nothing else stands, and ends with a line that holds `\\.` alone.',
    }
  )
}
