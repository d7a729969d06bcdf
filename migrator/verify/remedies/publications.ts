// Statements for publications: what they publish, and how.

import { quoteLiteral } from '../../../gate/postgres/quote.ts'
import type { CatalogObject } from '../catalog/catalog.ts'
import type { Difference } from '../difference.ts'

const published = /^(?:table|schema) /

/** True for the properties that {@link madePublication} sets. */
export function isInPublication(property: string): boolean {
  return published.test(property) || property === 'tables' || parameters[property] !== undefined
}

/** What WITH and SET take, and each without a word. */
const parameters: Readonly<Record<string, readonly [parameter: string, ordinary: string]>> = {
  operations: ['publish', ''],
  'publish via partition root': ['publish_via_partition_root', 'false'],
  'generated columns': ['publish_generated_columns', 'none'],
}

function parameterOf(property: string, value: unknown): string {
  const [parameter, ordinary] = parameters[property]!
  const text = value === 'yes' ? 'true' : String(value ?? ordinary)
  return `${parameter} = ${quoteLiteral(text)}`
}

/** The statement that makes a missing one, with all that it publishes. */
export function madePublication({ name, properties: p }: CatalogObject): string {
  const objects = objectsOf(p)
  const what = p.tables === 'all' ? ' for all tables' : objects.length > 0 ? ` for ${objects.join(', ')}` : ''
  const set = Object.keys(parameters).filter(property => property in p || property === 'operations')
  return `create publication ${name}${what} with (${set.map(property => parameterOf(property, p[property])).join(', ')})`
}

/** Undefined for one of all tables, or that should be one: that cannot be changed. */
export function publicationRemedy({
  name,
  property = '',
  found,
  expected,
  object,
  was,
}: Difference): string[] | undefined {
  if (parameters[property]) return [`alter publication ${name} set (${parameterOf(property, expected)})`]
  if (!published.test(property) || [object, was].some(one => one?.properties.tables === 'all')) return undefined
  if (expected === undefined) return [`alter publication ${name} drop ${objectOf(property)}`]
  if (found === undefined) return [`alter publication ${name} add ${objectOf(property, String(expected))}`]
  // with all that is published: without the table for a moment, its changes would be lost
  const asWanted = Object.entries(object?.properties ?? {}).map(([one, value]) => [one, was?.properties[one] ?? value])
  return [`alter publication ${name} set ${objectsOf(Object.fromEntries(asWanted)).join(', ')}`]
}

/** Other columns or rows are set with the list that is there: before a table is added to that, or dropped from it. */
export function isSetBefore(other: Difference, { kind, property = '', found, expected }: Difference): boolean {
  const isSet = other.found !== undefined && other.expected !== undefined && published.test(other.property ?? '')
  return isSet && kind === 'publication' && published.test(property) && (found === undefined || expected === undefined)
}

function objectsOf(properties: CatalogObject['properties']): string[] {
  return Object.entries(properties).flatMap(([property, value]) =>
    published.test(property) ? [objectOf(property, String(value))] : [],
  )
}

const column = '(?:"(?:[^"]|"")*"|[^", ]+)'
const written = new RegExp(`^(?:all columns|columns (${column}(?:, ${column})*))(?: where (.*))?$`, 's')

/** A table's children are tables of their own in the list. */
function objectOf(property: string, value = ''): string {
  const [, columns, rows] = written.exec(value) ?? []
  const [word, name] = property.split(/ (.*)/s)
  return word === 'schema'
    ? `tables in schema ${name}`
    : `table only ${name}${columns === undefined ? '' : ` (${columns})`}${rows === undefined ? '' : ` where (${rows})`}`
}
