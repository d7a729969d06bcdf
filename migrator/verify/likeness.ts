// Objects that differ in nothing but their names: the same, and renamed.

import { type CatalogObject, isInherited } from './catalog/catalog.ts'
import { compareProperties } from './compare-properties.ts'
import { partName } from './remedies/names.ts'

/** Parts of the same object that differ in nothing but their names. */
export function isAlike(object: CatalogObject, other: CatalogObject): boolean {
  return (
    object.kind === other.kind &&
    object.parent !== undefined &&
    object.parent === other.parent &&
    compareProperties(nameless(object), nameless(other)).next().done === true
  )
}

/** The definition of a trigger or a rule has its name in it. */
function nameless(object: CatalogObject): CatalogObject {
  const { kind, properties } = object
  if (kind !== 'trigger' && kind !== 'rule') return object
  const definition = String(properties.definition).replace(` ${partName(object)} `, ' ')
  return { ...object, properties: { ...properties, definition } }
}

/** The same for kinds whose names matter least. */
export const isSame = (object: CatalogObject, other: CatalogObject) =>
  renamable.has(object.kind) && isAlike(object, other)

/** What is inherited has no name of its own. */
export function isRenamed(object: CatalogObject, other: CatalogObject): boolean {
  return ![object, other].some(isInherited) && isSame(object, other)
}

/** Kinds whose name matters least: one that does the same under another name was renamed. */
const renamable: ReadonlySet<string> = new Set([
  'constraint',
  'index',
  'statistics',
  'policy',
  'sequence',
  'trigger',
  'rule',
])
