// Names of parts: an object's own, and its table's; other words that statements have alike.

import { quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import { type CatalogObject, migratorRole } from '../catalog/catalog.ts'

/** The parent's name, without its kind. */
export function tableOf({ parent }: Pick<CatalogObject, 'parent'>): string {
  return (
    parent?.replace(
      /^(?:(?:built-in|extension) relation|materialized view|foreign table|table|view|domain|type|server|sequence|column) /,
      '',
    ) ?? ''
  )
}

/** `x` of `public.t.x` or `public.x`, quoted as it stands there. */
export function partName({ name, parent }: Pick<CatalogObject, 'name' | 'parent'>): string {
  const table = tableOf({ ...(parent !== undefined && { parent }) })
  if (name.startsWith(`${table}.`)) return name.slice(table.length + 1)
  return /(?:^|\.)("(?:[^"]|"")*"|[^.]*)$/.exec(name)?.[1] ?? name
}

/** Without a function's arguments, which a call does not have. */
export function nameInStatements({ name }: Pick<CatalogObject, 'name'>): string {
  return name.replace(/\((?:[^()"]|"[^"]*")*\)$/, '')
}

/** An index or a key of a partition goes by its parent's name, which is not what SQL calls it. */
export const isPart = (name: string) => name.includes(' (part of ')

/** An index of a partitioned table: each partition has its part of it. */
export const isOfPartitions = (index: Pick<CatalogObject, 'properties'> | undefined) =>
  /^CREATE (?:UNIQUE )?INDEX ON ONLY /.test(String(index?.properties.definition))

/** A constraint's index, which has its name. */
export function indexOf(constraint: Pick<CatalogObject, 'name' | 'parent'>): string {
  const schema = /^(?:"(?:[^"]|"")*"|[^."]+)/.exec(tableOf(constraint))?.[0]
  return `${schema}.${partName(constraint)}`
}

/** The migrator's own role stays a placeholder until the statement is shown. */
export const roleInSql = (role: string) => (role === migratorRole ? role : quoteIdent(role))

/** What CREATE and ALTER POLICY take alike. They are set together: with one of them alone rows may be seen in between. */
export function policyTerms({ properties: p }: CatalogObject): string {
  return [
    `to ${String(p.roles).replace(/^PUBLIC$/, 'public')}`,
    ...(p.using === undefined ? [] : [`using (${p.using})`]),
    ...(p['with check'] === undefined ? [] : [`with check (${p['with check']})`]),
  ].join(' ')
}

/**
 * What CREATE VIEW has in front of its query, also where it replaces the view, which has no other options afterwards. They
 * are set with the query: without `security_invoker` rows may be seen in between.
 */
export function viewOptions(view: CatalogObject | undefined): string {
  const options = Object.entries(view?.properties ?? {}).filter(([property]) => isOption(property))
  const set = options.map(([property, value]) => `${property.slice('option '.length)} = ${quoteLiteral(String(value))}`)
  return set.length === 0 ? '' : ` with (${set.join(', ')})`
}

/** A change to options as foreign data has them; undefined for a value that is not shown. */
export function foreignOption(option: string, found: unknown, expected: unknown): string | undefined {
  if ([found, expected].includes('(set)')) return undefined
  const name = quoteIdent(option)
  if (expected === undefined) return `options (drop ${name})`
  return `options (${found === undefined ? 'add' : 'set'} ${name} ${quoteLiteral(String(expected))})`
}

export const isOption = (property: string) => property.startsWith('option ')

// a dollar may be in a name, and is the end of a body behind one
const identifier = '(?:"(?:[^"]|"")*"|(?:[\\p{L}\\p{N}_]|(?<!\\$)\\$(?!\\$|body\\d*\\$))+)'
const path = new RegExp(`${identifier}(?:\\.${identifier})*`, 'gu')
/** One name of such a path. */
export const segment = new RegExp(identifier, 'gu')

/** Every name in the text, with what it is in (`public.users` and `public` of `public.users.id`), and its words alone. */
export function namesIn(text: string): { all: Set<string>; words: Set<string> } {
  const all = new Set<string>()
  const words = new Set<string>()
  for (const [found] of text.matchAll(path)) {
    const segments = found.match(segment) ?? []
    for (const [i, word] of segments.entries()) {
      words.add(word)
      all.add(segments.slice(0, i + 1).join('.'))
    }
  }
  return { all, words }
}
