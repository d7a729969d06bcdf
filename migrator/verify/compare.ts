// Two catalogues into their differences.

import { type Catalog, type CatalogObject, isInherited, keyOf, listOf } from './catalog/catalog.ts'
import { compareProperties, named } from './compare-properties.ts'
import { heirsAmong, ofParentsAlone, partsAmong, withColumnRights, withNewColumns } from './concerned.ts'
import type { Difference } from './difference.ts'
import { givenGrants } from './given-grants.ts'
import { withUsers } from './in-use.ts'
import { isRenamed, isSame } from './likeness.ts'
import { isPart } from './remedies/names.ts'

export interface Comparison {
  readonly differences: readonly Difference[]
  /** What is reported and is no drift: the order of a table's columns. */
  readonly notes: readonly Difference[]
}

/** A table means the same in any order of its columns; what relies on the order should still be reported. */
const noted: ReadonlySet<string> = new Set(['column order'])

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

/** The tables that a partition or a child table has its columns of, or the type that a typed one has. */
function ancestorsOf(table: CatalogObject | undefined): string {
  const { partition = '', inherits = '', 'of type': type = '' } = table?.properties ?? {}
  return [String(partition).replace(/ (?:FOR VALUES|DEFAULT).*$/s, ''), inherits, type].join()
}

/** It comes when the table is attached, or a trigger goes when it is detached. A column or a check has to be there before. */
const isWithPlace = (object: CatalogObject, isMissing: boolean) =>
  isInherited(object) && (object.kind === 'trigger' || (isMissing && isPart(object.name)))

/** What is in the same schema and table stands together. */
function byName(a: Difference, b: Difference): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
