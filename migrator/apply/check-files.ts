// Looks at pending files before anything runs: what no server understands should not stop a run half-way.

import { UsageError } from '../errors.ts'
import type { Migration, SqlPart } from '../files/migration.ts'
import { dottedVersion } from '../files/order.ts'
import { findPlaceholder, inWordsOf } from '../files/placeholders.ts'
import { dbmate } from '../files/tools/dbmate.ts'
import { diesel } from '../files/tools/diesel.ts'
import { supabase } from '../files/tools/supabase.ts'
import { unwritten } from '../files/unwritten.ts'
import type { Engine } from '../run/engine.ts'
import { placeAt } from '../sql/excerpt.ts'
import { textOf } from '../sql/outline.ts'
import { loadParser, parseStatements, syntaxError } from '../sql/parse.ts'
import { split } from '../sql/split.ts'
import { findTemplateInName, findUnsupported, type Unsupported } from '../sql/unsupported.ts'
import { loadModule } from './code-module.ts'
import { outlineOf, planPart } from './planning.ts'

/**
 * @throws UsageError naming the place, if a file holds a psql command or a template mark where SQL must stand (inside a
 *   string or a function's body the same characters are rightful), if it must be cut into statements and cannot be, if it
 *   is code that cannot be loaded, or if nothing was written into it since `create`.
 */
export async function checkFiles(
  migrations: readonly Migration[],
  engine: Pick<Engine, 'signal' | 'log'>,
): Promise<void> {
  const doubtful = migrations.find(migration => migration.doubt !== undefined)
  if (doubtful) throw new UsageError(doubtful.doubt!)
  requireOneOrder(migrations)
  for (const migration of migrations) {
    if (migration.up) await checkPart(migration.up, migration.tool)
    else await loadModule(migration, engine)
  }
  tellOfPaths(migrations, engine)
}

/**
 * Looks at all down parts that will be run, before one is: a mistake in the second would be found when the first is gone.
 * A statement that this grammar does not take may be one of a newer server; with one part alone that is left to the server.
 * @throws UsageError as {@link checkFiles}.
 */
export async function checkDownParts(migrations: readonly Migration[]): Promise<void> {
  for (const { kind, doubt, down, tool } of migrations) {
    // of SQL the other part is in doubt
    if (kind === 'code' && doubt !== undefined) throw new UsageError(doubt)
    if (!down) continue
    await checkPart(down, tool)
    if (migrations.length > 1) await requireSyntax(down)
  }
}

/** Statement by statement: the grammar takes no empty text, and no data of a COPY. */
async function requireSyntax(part: SqlPart): Promise<void> {
  await loadParser()
  for (const piece of split(part.source, part.start, part.end)) {
    if (piece.end - piece.start > longestChecked || piece.first.startsWith('\\')) continue
    const wrong = syntaxError(textOf(part.source, piece))
    if (!wrong) continue
    const place = placeAt(part.file, part.source, piece.start + wrong.offset)
    throw new UsageError(
      `${part.file}, line ${place.line}, column ${place.column}: ${wrong.message}. Nothing was reverted. Correct it; or, if the server takes it all the same, revert one at a time (--step 1).`,
      { place },
    )
  }
}

/** A file may rely on the `SET search_path` of the one before it, where its tool takes that along: here it ends with the file. */
function tellOfPaths(migrations: readonly Migration[], { log }: Pick<Engine, 'log'>): void {
  const parts = migrations.flatMap(({ up }) => up ?? [])
  for (const [i, part] of parts.entries()) {
    const next = parts[i + 1]
    const { pathLeft } = outlineOf(part)
    if (!next || pathLeft === undefined || outlineOf(next).setsPath) continue
    log.warn(
      { event: 'search-path', file: part.file },
      `${part.file} sets search_path to ${pathLeft}, which ends with the file: ${next.file} is run with that of the connection, where golang-migrate or sqlx would take it along. If it relies on it, write it there as well.`,
    )
  }
}

/**
 * Two readings of the folder may run its files in another order; those that are applied do not matter any more.
 * @throws UsageError with two files that change places.
 */
function requireOneOrder(migrations: readonly Migration[]): void {
  let last: Migration | undefined
  for (const migration of migrations) {
    const { otherPlace } = migration
    if (otherPlace === undefined) continue
    if (last && last.otherPlace! > otherPlace) {
      if (dottedVersion(last.name) || dottedVersion(migration.name))
        throw new UsageError(
          `By name ${last.file} comes before ${migration.file}; by version it comes after. ` +
            'Give all parts of versions the same width (1.02, 1.10); or, if the order by name is right: --layout native.',
        )
      const areFolders = migrations.every(({ layout }) => layout === 'folder')
      const tool = migration.tool === dbmate.name ? dbmate : areFolders ? diesel : supabase
      throw new UsageError(
        `By number ${last.file} comes before ${migration.file}; by name as text, which is the order of ${tool.title}, it comes after. ` +
          `Say which holds: --layout native or --layout ${tool.name}; or give all numbers the same width.`,
      )
    }
    last = migration
  }
}

async function checkPart(part: SqlPart, toolName: string | undefined): Promise<void> {
  requireWritten(part)
  const placeholder = findPlaceholder(part.source.slice(part.start, part.end), toolName)
  const unsupported = placeholder
    ? { ...placeholder, offset: part.start + placeholder.offset }
    : (escapedString(part) ?? badData(part) ?? (await unsupportedByGrammar(part, toolName)))
  if (unsupported) {
    const place = placeAt(part.file, part.source, unsupported.offset)
    throw new UsageError(`${part.file}, line ${place.line}, column ${place.column}: ${unsupported.message}`, { place })
  }
  await planPart(part)
}

/** An empty part without that line is taken: other tools' folders have such files on purpose. */
function requireWritten(part: SqlPart): void {
  const offset = part.source.indexOf(unwritten, part.start)
  if (offset === -1 || offset >= part.end || outlineOf(part).count > 0) return
  const place = placeAt(part.file, part.source, offset)
  throw new UsageError(
    `${part.file}, line ${place.line}: it is as \`create\` wrote it, and has no statement. Write it; or remove that line, if it is to do nothing.`,
    { place },
  )
}

/** In characters; a longer statement is left to the server. */
const longestChecked = 1 << 20

/** Offsets are of the file. */
async function unsupportedByGrammar(part: SqlPart, toolName: string | undefined): Promise<Unsupported | undefined> {
  const { suspicious } = outlineOf(part)
  if (suspicious.length > 0) await loadParser()
  for (const piece of suspicious) {
    if (piece.end - piece.start > longestChecked) continue
    const text = textOf(part.source, piece)
    const unsupported = parseStatements(text) ? findTemplateInName(text) : findUnsupported(text)
    if (unsupported) return { ...inWordsOf(unsupported, text, toolName), offset: piece.start + unsupported.offset }
  }
  return undefined
}

/** The server reads a message before it runs it: a SET in it would come too late, where psql sends each statement by itself. */
function escapedString(part: SqlPart): Unsupported | undefined {
  const { escaped } = outlineOf(part)
  if (escaped === undefined) return undefined
  return {
    offset: escaped,
    message:
      'by `SET standard_conforming_strings = off` a backslash in this string is to escape; schemagate reads it as it stands. ' +
      "Write E'...' here and in strings like it, and remove that SET.",
  }
}

/** A COPY whose data is not there, or does not end. */
function badData(part: SqlPart): Unsupported | undefined {
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
