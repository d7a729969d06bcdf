// What in the files reaches beyond their database, and so must not run on the live server for a look at the schema alone.

import type { Node } from 'libpg-query'
import type { Migration, SqlPart } from '../../files/migration.ts'
import { placeAt } from '../../sql/excerpt.ts'
import { loadParser, parseStatements } from '../../sql/parse.ts'
import { split } from '../../sql/split.ts'
import { bodyOf, dynamicSql, plpgsqlParts } from './bodies.ts'
import { reachOf } from './statements.ts'

export interface Reach {
  readonly file: string
  readonly line: number
  /** What it is, as the subject of a sentence. */
  readonly what: string
}

/** In characters: a longer statement is data. */
const longest = 1 << 20

/**
 * The first thing in each migration that reaches beyond the database; by the grammar, so that comments and strings do
 * not count.
 */
export async function findReach(migrations: readonly Migration[]): Promise<Reach[]> {
  await loadParser()
  const found: Reach[] = []
  for (const migration of migrations) {
    if (!migration.up) {
      found.push({ file: migration.file, line: 1, what: 'it is code, which may do anything' })
      continue
    }
    const reach = await reachOfPart(migration.up)
    if (reach) found.push(reach)
  }
  return found
}

async function reachOfPart(part: SqlPart): Promise<Reach | undefined> {
  for (const piece of split(part.source, part.start, part.end)) {
    if (piece.first.startsWith('\\') || piece.end - piece.start > longest) continue
    const text = part.source.slice(piece.start, piece.end)
    const what = await reachOfText(text)
    if (what !== undefined) return { file: part.file, line: placeAt(part.file, part.source, piece.start).line, what }
  }
  return undefined
}

/** What in a text of SQL reaches beyond; a text that the grammar does not take is the server's own affair: it fails there. */
async function reachOfText(text: string): Promise<string | undefined> {
  for (const { node } of parseStatements(text) ?? []) {
    const what = reachOf(node) ?? (await reachOfBody(node, text))
    if (what !== undefined) return what
  }
  return undefined
}

/** The same of what a DO block or a function runs. */
async function reachOfBody(node: Node, text: string): Promise<string | undefined> {
  const body = bodyOf(node)
  if (!body) return undefined
  if (body.language === 'sql') return reachOfText(body.source)
  if (body.language !== 'plpgsql') return undefined
  const parts = await plpgsqlParts(text)
  if (!parts) return body.runs ? 'a block that cannot be read, and so may do anything' : undefined
  for (const sql of parts.statements) {
    const what = await reachOfText(sql)
    if (what !== undefined) return what
  }
  for (const expression of parts.dynamic) {
    const made = dynamicSql(expression)
    if (made === undefined) return `EXECUTE of a text that cannot be told beforehand (${expression.slice(0, 60)})`
    const what = made === 'inside' ? undefined : reachOf(made)
    if (what !== undefined) return what
  }
  return undefined
}
