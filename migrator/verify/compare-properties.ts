// Two objects of one name into the differences of their properties.

import type { CatalogObject, Value } from './catalog/catalog.ts'
import { asCalls } from './catalog/expressions.ts'
import type { Difference } from './difference.ts'

/**
 * What another property or object says already: they are there for what follows from them, and for remedies. A collation
 * can be used in the database if its encoding is the database's or none, which mean the same there.
 */
const notCompared: ReadonlySet<string> = new Set([
  'columns',
  'inherited from',
  'of a partitioned table',
  'enabled by',
  'granted by others',
  'own name',
  'its type is',
  'name of its not null',
  'encoding',
])

/** The properties in which two objects differ. */
export function* compareProperties(found: CatalogObject, expected: CatalogObject): Generator<Difference> {
  const names = new Set([...Object.keys(expected.properties), ...Object.keys(found.properties)])
  // a catalogue that was kept has them in another order
  for (const property of [...names].sort()) {
    if (notCompared.has(property) || followsFromOwner(property, found, expected)) continue
    const [a, b] = [found.properties[property], expected.properties[property]]
    if (property === 'replica identity' && isToldElsewhere(found.kind, b)) continue
    if (property === 'column order' ? sameOrder(a, b) : equal(a, b) || isSameExpression(property, a, b)) continue
    yield {
      change: 'changed',
      ...named(found),
      property,
      ...(a !== undefined && { found: a }),
      ...(b !== undefined && { expected: b }),
      object: found,
      was: expected,
    }
  }
}

/** A column's sequence has its table's owner. What the role that should own it was granted is its own as soon as it does. */
function followsFromOwner(
  property: string,
  { properties: found }: CatalogObject,
  { properties }: CatalogObject,
): boolean {
  if (found.owner === properties.owner) return false
  const isOwned = found['owned by'] !== undefined && properties['owned by'] !== undefined
  return property === 'owner' ? isOwned : property === `grants to ${properties.owner}`
}

/** That it should be one index is told of that index, and that it should be none of the table. */
function isToldElsewhere(kind: string, expected: Value | undefined): boolean {
  return kind === 'table' ? expected === 'an index' : expected === undefined
}

/** Whether they are the same, in their order. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  return a === b || (Array.isArray(a) && Array.isArray(b) && JSON.stringify(a) === JSON.stringify(b))
}

/** What is an expression, or has some in it. A function's body is its author's text. */
const expressions: ReadonlySet<string> = new Set([
  'arguments',
  'default',
  'definition',
  'generated',
  'partition key',
  'using',
  'with check',
])

function isSameExpression(property: string, a: Value | undefined, b: Value | undefined): boolean {
  return expressions.has(property) && typeof a === 'string' && typeof b === 'string' && asCalls(a) === asCalls(b)
}

/** Of the names that both lists have. */
function sameOrder(a: Value | undefined, b: Value | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return true
  return equal(
    a.filter(name => b.includes(name)),
    b.filter(name => a.includes(name)),
  )
}

/** What an object is told by. */
export const named = ({ kind, name, parent }: CatalogObject) => ({
  kind,
  name,
  ...(parent !== undefined && { parent }),
})
