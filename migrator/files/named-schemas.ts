// The schemas that SQL files name, found by patterns and not by the grammar: an approximation.

import type { Migration } from './migration.ts'

/** An identifier, quoted or not; Postgres cuts off what is longer. */
const identifier = String.raw`(?:"((?:[^"]|""){1,63})"|([\p{L}_][\p{L}\p{N}_$]{0,62}))`
const naming = new RegExp(
  String.raw`\bschema\s+(?:if\s+not\s+exists\s+)?${identifier}|(?<![\p{L}\p{N}_$])${identifier}\s*\.`,
  'giu',
)

const making = new RegExp(String.raw`\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?${identifier}`, 'giu')

/** In characters; a file that is longer holds data, and names no schema that no other one does. */
const longest = 1 << 20

/** Names after `schema`, and before a dot: an alias of a table is among them. Code migrations are not looked at. */
export function namedSchemas(migrations: readonly Migration[]): ReadonlySet<string> {
  return namesIn(migrations, naming)
}

/** Names after `create schema`. */
export function madeSchemas(migrations: readonly Migration[]): ReadonlySet<string> {
  return namesIn(migrations, making)
}

/** @param pattern whose groups are of {@link identifier}: quoted, and plain. */
function namesIn(migrations: readonly Migration[], pattern: RegExp): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { up } of migrations) {
    if (!up || up.source.length > longest) continue
    for (const [, quoted, plain, quotedBefore, plainBefore] of up.source.matchAll(pattern)) {
      const exact = quoted ?? quotedBefore
      names.add(exact === undefined ? (plain ?? plainBefore)!.toLowerCase() : exact.replaceAll('""', '"'))
    }
  }
  return names
}
