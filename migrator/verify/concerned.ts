// The objects beside a changed one that its remedy has to think of: parts, heirs, columns with rights of their own.

import { type CatalogObject, keyOf, listOf } from './catalog/catalog.ts'
import { equal } from './compare-properties.ts'
import type { Difference } from './difference.ts'

/** What is changed in partitions and children when it is changed in their parent. */
export const cascading: ReadonlySet<string> = new Set([
  'type',
  'collation',
  'nullability',
  'default',
  'generated',
  'storage',
  'statistics target',
  'definition',
  'validity',
  'state',
])

/** Without changes that partitions and children have from their parent; the parent's change lists those heirs. */
export function ofParentsAlone(changed: readonly Difference[], expected: readonly CatalogObject[]): Difference[] {
  const atParents = new Set(changed.map(difference => `${keyOf(difference)}: ${difference.property}`))
  const isOfParent = ({ object, property = '' }: Difference) =>
    cascading.has(property) &&
    listOf(object?.properties['inherited from']).some(from => atParents.has(`${from}: ${property}`))
  const heirsOf = heirsAmong(expected)
  return changed
    .filter(difference => !isOfParent(difference))
    .map(difference => {
      const { kind, was, property = '' } = difference
      if (!was || !cascading.has(property)) return difference
      // a definition names its table, and is another one for each; with it they lose a trigger's state, with a type a default
      const own = property === 'definition' && kind === 'trigger' ? 'state' : property === 'type' ? 'default' : property
      if (own === 'definition')
        return kind === 'constraint' || kind === 'index' ? { ...difference, heirs: heirsOf(was) } : difference
      const isOwn = (heir: CatalogObject) => !equal(heir.properties[own], was.properties[own])
      return { ...difference, heirs: heirsOf(was).filter(isOwn) }
    })
}

/** A view's definition with the columns that it is to have and lacks: they come with it, and what is said of them does not. */
export function withNewColumns(difference: Difference, missingParts: Find): Difference {
  const { object, was, property } = difference
  if (!was || object?.kind !== 'view' || property !== 'definition') return difference
  return { ...difference, parts: missingParts(was).filter(({ kind }) => kind === 'column') }
}

/** A table's rights with those that the role should have on columns alone: a REVOKE on the table takes them, too. */
export function withColumnRights(difference: Difference, parts: Find): Difference {
  const { was, property = '', found, expected } = difference
  if (!was || typeof found !== 'string' || !property.startsWith('grants to ')) return difference
  if (found.split(', ').every(right => String(expected).includes(right))) return difference
  const columns = parts(was).filter(({ kind, properties }) => kind.endsWith('column') && property in properties)
  if (columns.length === 0) return difference
  return {
    ...difference,
    parts: columns.map(column => ({ ...column, properties: { [property]: column.properties[property]! } })),
  }
}

/** Finds the objects that belong to another one. */
export type Find = (object: CatalogObject) => readonly CatalogObject[]

/** Finds what is a part of an object. */
export function partsAmong(objects: readonly CatalogObject[]): Find {
  const byParent = Map.groupBy(objects, ({ parent }) => parent)
  return object => byParent.get(keyOf(object)) ?? []
}

/** Finds what was inherited from an object, by partitions of partitions as well. */
export function heirsAmong(objects: readonly CatalogObject[]): Find {
  const pairs = objects.flatMap(heir => listOf(heir.properties['inherited from']).map(from => [from, heir] as const))
  const byKey = Map.groupBy(pairs, ([from]) => from)
  const find: Find = object => byKey.get(keyOf(object))?.flatMap(([, heir]) => [heir, ...find(heir)]) ?? []
  return find
}
