// Two catalogues into their differences.

import { type Catalog, type CatalogObject, keyOf, type Value } from './catalog/catalog.ts'
import { asCalls } from './catalog/expressions.ts'
import type { Difference } from './difference.ts'
import { givenGrants } from './given-grants.ts'
import { withUsers } from './in-use.ts'
import { isPart, partName } from './remedies/names.ts'

export interface Comparison {
  readonly differences: readonly Difference[]
  /** What is reported and is no drift: the order of a table's columns. */
  readonly notes: readonly Difference[]
}

/** A table means the same in any order of its columns; what relies on the order should still be reported. */
const noted: ReadonlySet<string> = new Set(['column order'])

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

/**
 * Compares what is there with what was expected. What happened to an object is not reported of its parts again.
 */
export function compare(found: Catalog, expected: Catalog): Comparison {
  const here = byKey(found)
  const { changed, notes, ...alone } = match(found, expected)
  const [partsFound, partsExpected] = [partsAmong(found.objects), partsAmong(expected.objects)]
  const [heirsFound, heirsMissing] = [heirsAmong(alone.unexpected), heirsAmong(alone.missing.filter(alone.isInPlace))]
  const isHere = (object: CatalogObject) => here.has(keyOf(object))
  const withTheirUsers = withUsers(found, heirsAmong(found.objects))
  const differences = ofParentsAlone(changed, expected.objects.filter(isHere)).map(difference =>
    withTheirUsers(
      withColumnRights(
        withNewColumns(difference, object => partsExpected(object).filter(part => !isHere(part))),
        object => partsExpected(object).filter(isHere),
      ),
    ),
  )
  const { unexpected, missing } = withoutAttached(alone)
  for (const object of unexpected) {
    const was = missing.find(other => isRenamed(object, other))
    if (was) {
      missing.splice(missing.indexOf(was), 1)
      differences.push({ change: 'renamed', ...named(object), found: object.name, expected: was.name, object, was })
    } else
      differences.push({
        change: 'unexpected',
        ...named(object),
        object,
        parts: partsFound(object),
        heirs: heirsFound(object),
      })
  }
  for (const object of missing)
    differences.push({
      ...{ change: 'missing', ...named(object), object },
      parts: partsExpected(object),
      heirs: heirsMissing(object),
      given: givenGrants(object, here),
    })
  return { differences: differences.toSorted(byName), notes }
}

/** Objects that are in one of the catalogues alone. */
interface Alone {
  readonly unexpected: readonly CatalogObject[]
  readonly missing: readonly CatalogObject[]
  /** Not to be reported again: it came or went with its parent, or with the parent's definition. */
  readonly isImplied: (object: CatalogObject) => boolean
  /** Its table is a partition or a child of the same one in both, and so it comes and goes with that one's. */
  readonly isInPlace: (object: CatalogObject) => boolean
}

/** What is in both catalogues, property by property, and what is not. */
function match(
  found: Catalog,
  expected: Catalog,
): Alone & { readonly changed: readonly Difference[]; readonly notes: readonly Difference[] } {
  const [here, there] = [byKey(found), byKey(expected)]
  const unexpected = found.objects.filter(object => !there.has(keyOf(object)))
  const missing = expected.objects.filter(object => !here.has(keyOf(object)))
  const gone = new Set([...unexpected, ...missing].map(keyOf))
  const isGone = ({ parent }: CatalogObject) => parent !== undefined && gone.has(parent)
  // a view in the place of a table, an index of another table; a sequence is the same one whatever it belongs to
  const isElsewhere = (object: CatalogObject, other: CatalogObject) =>
    object.kind !== 'sequence' && object.parent !== other.parent && (isGone(object) || isGone(other))
  const isInPlace = ({ parent = '' }: CatalogObject) => ancestorsOf(here.get(parent)) === ancestorsOf(there.get(parent))
  const redefined = new Set<string>()
  const changed: Difference[] = []
  const notes: Difference[] = []
  for (const object of found.objects) {
    const other = there.get(keyOf(object))
    if (!other) continue
    if (isElsewhere(object, other)) {
      // reported for whichever of its two parents is still there
      if (!isGone(object)) unexpected.push(object)
      if (!isGone(other)) missing.push(other)
      continue
    }
    // a parent's trigger goes when the table is detached, and the table's own is made after that
    if (object.kind === 'trigger' && isInherited(object) && !isInherited(other) && !isInPlace(object)) {
      missing.push(other)
      continue
    }
    for (const difference of compareProperties(object, other)) {
      if (noted.has(difference.property!)) notes.push(difference)
      else changed.push(difference)
      const parts = partsOf(difference)
      if (parts !== undefined) redefined.add(`${parts} of ${keyOf(object)}`)
    }
  }
  const isImplied = (object: CatalogObject) => {
    const { kind, parent, properties } = object
    return (
      (parent !== undefined && (gone.has(parent) || redefined.has(`${kind} of ${parent}`))) ||
      (isWithPlace(object, missing.includes(object)) && !isInPlace(object)) ||
      (listOf(properties['inherited from']).some(from => gone.has(from)) && isInPlace(object))
    )
  }
  return { unexpected, missing, isImplied, isInPlace, changed, notes }
}

function byKey({ objects }: Catalog): Map<string, CatalogObject> {
  return new Map(objects.map(object => [keyOf(object), object]))
}

/** Without changes that partitions and children have from their parent; the parent's change lists those heirs. */
function ofParentsAlone(changed: readonly Difference[], expected: readonly CatalogObject[]): Difference[] {
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
function withNewColumns(difference: Difference, missingParts: Find): Difference {
  const { object, was, property } = difference
  if (!was || object?.kind !== 'view' || property !== 'definition') return difference
  return { ...difference, parts: missingParts(was).filter(({ kind }) => kind === 'column') }
}

/** A table's rights with those that the role should have on columns alone: a REVOKE on the table takes them, too. */
function withColumnRights(difference: Difference, parts: Find): Difference {
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

/** Without an index or a key that is there as part of a partitioned table's, or should be: it is reported as that. */
function withoutAttached({ unexpected, missing, isImplied }: Alone) {
  const [attached, awaited] = [unexpected.filter(isInherited), missing.filter(isInherited)]
  return {
    unexpected: unexpected.filter(o => !isImplied(o) && !awaited.some(part => isSame(part, o))),
    missing: missing.filter(o => !isImplied(o) && !attached.some(part => isSame(part, o))),
  }
}

/** The kind of parts that come and go with a property: the columns of a view, the sequence of an identity. */
function partsOf({ property, found, expected }: Difference): string | undefined {
  if (property === 'definition') return 'column'
  if (property === 'attributes') return 'attribute'
  return property === 'identity' && (found === undefined || expected === undefined) ? 'sequence' : undefined
}

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

const isSame = (object: CatalogObject, other: CatalogObject) => renamable.has(object.kind) && isAlike(object, other)

type Find = (object: CatalogObject) => readonly CatalogObject[]

/** Finds what is a part of an object. */
function partsAmong(objects: readonly CatalogObject[]): Find {
  const byParent = Map.groupBy(objects, ({ parent }) => parent)
  return object => byParent.get(keyOf(object)) ?? []
}

/** Finds what was inherited from an object, by partitions of partitions as well. */
function heirsAmong(objects: readonly CatalogObject[]): Find {
  const pairs = objects.flatMap(heir => listOf(heir.properties['inherited from']).map(from => [from, heir] as const))
  const byKey = Map.groupBy(pairs, ([from]) => from)
  const find: Find = object => byKey.get(keyOf(object))?.flatMap(([, heir]) => [heir, ...find(heir)]) ?? []
  return find
}

/** The tables that a partition or a child table has its columns of, or the type that a typed one has. */
function ancestorsOf(table: CatalogObject | undefined): string {
  const { partition = '', inherits = '', 'of type': type = '' } = table?.properties ?? {}
  return [String(partition).replace(/ (?:FOR VALUES|DEFAULT).*$/s, ''), inherits, type].join()
}

const isInherited = ({ properties }: CatalogObject) => properties['inherited from'] !== undefined

/** It comes when the table is attached, or a trigger goes when it is detached. A column or a check has to be there before. */
const isWithPlace = (object: CatalogObject, isMissing: boolean) =>
  isInherited(object) && (object.kind === 'trigger' || (isMissing && isPart(object.name)))

/** What is inherited has no name of its own. */
function isRenamed(object: CatalogObject, other: CatalogObject): boolean {
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

function* compareProperties(found: CatalogObject, expected: CatalogObject): Generator<Difference> {
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

function equal(a: Value | undefined, b: Value | undefined): boolean {
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

const listOf = (value: Value | undefined): readonly string[] => (Array.isArray(value) ? value : [])

const named = ({ kind, name, parent }: CatalogObject) => ({ kind, name, ...(parent !== undefined && { parent }) })

/** What is in the same schema and table stands together. */
function byName(a: Difference, b: Difference): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
