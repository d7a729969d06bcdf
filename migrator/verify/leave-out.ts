// What is left out of a comparison: other tools' histories, and what an operator has named.

import { matchesGlob } from 'node:path'
import type { HistoryTable } from '../../gate/histories/index.ts'
import { type Catalog, type CatalogObject, keyOf, written } from './catalog/catalog.ts'
import type { Difference } from './difference.ts'
import { subject } from './wording.ts'

/**
 * The catalogue without the tables of those histories, what is a part of them, and schemas that hold nothing else.
 * @param live where they are; its parts are left out of an expected catalogue as well: a dump without a table has the
 *   sequence of its column.
 */
export function withoutHistories(catalog: Catalog, histories: readonly HistoryTable[], live = catalog): Catalog {
  if (histories.length === 0) return catalog
  const out = new Set([...partsOf(live, histories), ...partsOf(catalog, histories)])
  const schemas = new Set(histories.map(({ schema }) => written(schema)).filter(schema => schema !== 'public'))
  const rest = catalog.objects.filter(object => !out.has(keyOf(object)))
  const holds = (schema: string) => rest.some(({ name, kind }) => kind !== 'schema' && name.startsWith(`${schema}.`))
  const empty = new Set([...schemas].filter(schema => !holds(schema)))
  return { ...catalog, objects: rest.filter(({ kind, name }) => kind !== 'schema' || !empty.has(name)) }
}

/** Keys of the tables, and of what is a part of them. */
function partsOf({ objects }: Catalog, histories: readonly HistoryTable[]): ReadonlySet<string> {
  const out = new Set(
    histories.flatMap(({ schema, table, beside }) =>
      [table, ...beside].map(name => `table ${qualified(schema, name)}`),
    ),
  )
  const isPart = ({ parent }: CatalogObject) => parent !== undefined && out.has(parent)
  // a part may have parts: the sequence of an identity column
  let before = -1
  while (out.size !== before) {
    before = out.size
    for (const object of objects) if (isPart(object)) out.add(keyOf(object))
  }
  return out
}

/**
 * The live catalogue without schemas that no migration makes, and that migrations put something in: they were there before
 * the first one.
 */
export function withoutGivenSchemas(live: Catalog, expected: Catalog): Catalog {
  const made = new Set(expected.objects.map(keyOf))
  const isUsed = (schema: string) =>
    expected.objects.some(({ kind, name }) => kind !== 'schema' && name.startsWith(`${schema}.`))
  return {
    ...live,
    objects: live.objects.filter(object => object.kind !== 'schema' || made.has(keyOf(object)) || !isUsed(object.name)),
  }
}

const qualified = (schema: string, name: string) => `${written(schema)}.${written(name)}`

/**
 * True if one of the globs is about the difference: `public.tmp_*`, `index *`, `table users: owner`. A glob is held against
 * the name, kind and name, and both with the property; in `public`, with and without the schema.
 */
export function isIgnored(difference: Difference, globs: readonly string[]): boolean {
  if (globs.length === 0) return false
  const { kind, name, property } = difference
  const short = subject({ kind: '', name }).trim()
  const texts = [name, short, `${kind} ${name}`, `${kind} ${short}`]
  const all = property === undefined ? texts : [...texts, ...texts.map(text => `${text}: ${property}`)]
  // a slash is an ordinary character of a name
  const flat = (text: string) => text.replaceAll('/', '\u2215')
  return globs.some(glob => all.some(text => matchesGlob(flat(text), flat(glob))))
}
