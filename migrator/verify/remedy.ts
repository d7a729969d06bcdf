// What would put a difference right, where that loses no data and can be said.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type CatalogObject, migratorRole } from './catalog/catalog.ts'
import { cascading } from './concerned.ts'
import type { Difference } from './difference.ts'
import { columnRemedy } from './remedies/columns.ts'
import { defaultPrivilegesRemedy } from './remedies/default-privileges.ts'
import { isRoutine } from './remedies/functions.ts'
import { grantRemedy } from './remedies/grants.ts'
import { instead, isInMade, made } from './remedies/made.ts'
import { isOfPartitions, isPart, partName, roleInSql, tableOf } from './remedies/names.ts'
import { propertyRemedy } from './remedies/properties.ts'

/**
 * Statements, in order; undefined where a person has to decide: what exists and no migration makes may be in use. What it
 * needs of other remedies is not asked here: see `withRemedies`.
 */
export function remedy(difference: Difference): string[] | undefined {
  const statements = statementsFor(difference)
  return statements?.length ? statements.map(sql => `${sql};`) : undefined
}

function statementsFor(difference: Difference): string[] | undefined {
  const { change, kind, object, was, parts = [], heirs = [], given } = difference
  if (kind === 'default privileges') return defaultPrivilegesRemedy(difference)
  switch (change) {
    case 'unexpected':
      return undefined
    case 'missing':
      return (
        object &&
        together([
          whole(object, given),
          ...parts.map(part => partOf(part)),
          ...heirs.map(heir => besidesInherited(heir, object)),
        ])
      )
    case 'renamed':
      return object && was && renamed(object, was)
    case 'changed':
      return together([changed(difference), ...parts.map(part => partOf(part)), ...afterwards(difference)])
  }
}

/**
 * What the statements for the property itself have changed besides. A constraint that is replaced has no comment, a trigger
 * is enabled, and neither that nor a function goes with an extension. A column of another type is stored as that type is.
 */
function afterwards(difference: Difference): (string[] | undefined)[] {
  const { kind, property, was, users = [] } = difference
  if (kind === 'column' && property === 'type') {
    const { found: _, expected: __, ...retyped } = difference
    const own = ['storage', 'compression'].filter(name => was?.properties[name] !== undefined)
    const value = was?.properties.default
    return [
      ...own.map(name => changed({ ...retyped, property: name, expected: was!.properties[name]! })),
      ...heirsOf({ ...retyped, property: 'default', ...(value !== undefined && { expected: value }) }),
    ]
  }
  if (isReplacedWhole(difference)) return []
  const isTrigger = kind === 'trigger' && property === 'definition'
  const isConstraint = kind === 'constraint' && property === 'definition'
  const isFunction = isRoutine(kind) && (property === 'body' || property === 'language')
  if (!isTrigger && !isConstraint && !isFunction) return heirsOf(difference)
  const { found: _, expected: __, ...replaced } = difference
  const lost = Object.entries(was?.properties ?? {})
    .filter(([property]) => (isConstraint ? property === 'comment' : property.startsWith('dropped with extension ')))
    .map(([property, expected]) => changed({ ...replaced, property, expected }))
  // an index has the results of the one before
  if (!isTrigger) return [...lost, users.map(({ name }) => `reindex index concurrently ${name}`)]
  const state = was?.properties.state
  if (state === undefined) return [...lost, ...heirsOf({ ...replaced, property: 'state' })]
  const disabled = { ...replaced, property: 'state', expected: state }
  return [...lost, changed(disabled), ...heirsOf(disabled)]
}

/** For partitions and child tables, which have been given their parent's. */
function heirsOf({ property = '', expected, heirs = [] }: Difference): (string[] | undefined)[] {
  return heirs.map(heir => {
    const { kind, name, parent, properties } = heir
    const named = { change: 'changed', kind, name, ...(parent !== undefined && { parent }) } as const
    const own = properties[property]
    return changed({
      ...{ ...named, property, object: heir, was: heir },
      ...(expected !== undefined && { found: expected }),
      ...(own !== undefined && { expected: own }),
    })
  })
}

function changed(difference: Difference): string[] | undefined {
  return commentRemedy(difference) ?? ownerRemedy(difference) ?? grantRemedy(difference) ?? specific(difference)
}

function specific(difference: Difference): string[] | undefined {
  if (isReplacedWhole(difference)) return replacedWhole(difference)
  return difference.kind === 'column' ? columnRemedy(difference) : propertyRemedy(difference)
}

/** The object, and what its own statement does not say of it; undefined where any of that cannot be said. */
function whole(object: CatalogObject, given: CatalogObject['properties'] = {}): string[] | undefined {
  return together([
    made(object),
    besides(
      object,
      Object.keys(object.properties).filter(property => isInMade(object, property)),
      given,
    ),
  ])
}

/** An index, or a constraint that has one. */
function isReplacedWhole({ kind, property, object }: Difference): boolean {
  if (property !== 'definition') return false
  return kind === 'index' || (kind === 'constraint' && hasIndex(object))
}

const hasIndex = (object: CatalogObject | undefined) =>
  /^(?:PRIMARY KEY|UNIQUE|EXCLUDE) /.test(String(object?.properties.definition))

/** With all that is said of it, since that goes with the one before. */
function replacedWhole({ object, was, heirs = [], users = [] }: Difference): string[] | undefined {
  if (!object || !was || users.length > 0 || [object, was].some(one => isPart(one.name))) return undefined
  const [isOfParts, becomesOfParts] = [object, was].map(
    one => one.properties['of a partitioned table'] !== undefined || isOfPartitions(one),
  )
  if (isOfParts !== becomesOfParts) return undefined
  // without it, changes of a published table are refused
  if ([object, ...heirs].some(one => one.properties['replica identity'] !== undefined)) return undefined
  return together([
    instead(object, was),
    besides(
      was,
      Object.keys(was.properties).filter(property => isInMade(was, property)),
    ),
    ...heirs.map(heir => besidesInherited(heir, was)),
  ])
}

/** What came with a missing object. The columns of a view are the view's, of a type the type's, those with rights their table's. */
function partOf(part: CatalogObject): string[] | undefined {
  if (part.kind === 'attribute') return besides(part, ['type', 'collation'])
  return part.kind.endsWith('column') ? besides(part, []) : whole(part)
}

/** What a partition or a child table has of its own, beside what it is given with its parent's. */
function besidesInherited(heir: CatalogObject, object: CatalogObject): string[] | undefined {
  const given = Object.entries(object.properties).filter(([property]) => cascading.has(property))
  const asMade = ['own name', 'of a partitioned table', ...(isSameDefinition(heir, object) ? ['definition'] : [])]
  return besides(heir, asMade, Object.fromEntries(given))
}

/** But for the table that it is on. A trigger's cannot be another one, and may have casts to its table's rows in it. */
function isSameDefinition(a: CatalogObject, b: CatalogObject): boolean {
  if (a.kind === 'trigger') return true
  const [one, other] = [a, b].map(object =>
    String(object.properties.definition)
      .replace(' INDEX ON ONLY ', ' INDEX ON ')
      .replace(` ON ${tableOf(object)} `, ' ON '),
  )
  return one === other
}

/** Statements for all properties but these and those that a new object has by itself, and against what else it was given. */
function besides(
  { kind, name, parent, properties }: CatalogObject,
  said: readonly string[],
  given: CatalogObject['properties'] = {},
): string[] | undefined {
  const named = { change: 'changed', kind, name, ...(parent !== undefined && { parent }) } as const
  const all = [...new Set(['owner', ...Object.keys(properties), ...Object.keys(given)])]
  const own = all.filter(property => !said.includes(property) && !isOfNew(property, properties))
  return together(
    own.map(property => {
      const [found, expected] = [given[property], properties[property]]
      if (found === expected) return []
      return changed({
        ...named,
        property,
        ...(found !== undefined && { found }),
        ...(expected !== undefined && { expected }),
      })
    }),
  )
}

function isOfNew(property: string, { owner }: CatalogObject['properties']): boolean {
  return (
    [
      'inherited from',
      'its type is',
      'name of its not null',
      'granted by others',
      'grants to the owner',
      `grants to ${owner}`,
    ].includes(property) ||
    (property === 'owner' && (owner === undefined || owner === migratorRole))
  )
}

function together(lists: readonly (readonly string[] | undefined)[]): string[] | undefined {
  return lists.includes(undefined) ? undefined : lists.flatMap(list => list ?? [])
}

function renamed(object: CatalogObject, was: CatalogObject): string[] | undefined {
  const [from, to] = [partName(object), partName(was)]
  switch (object.kind) {
    case 'index':
    case 'sequence':
    case 'statistics':
      return [`alter ${object.kind} ${object.name} rename to ${to}`]
    case 'constraint':
      return [
        `alter ${object.parent?.startsWith('domain ') ? 'domain' : 'table'} ${tableOf(object)} rename constraint ${from} to ${to}`,
      ]
    case 'policy':
    case 'trigger':
    case 'rule':
      return [`alter ${object.kind} ${from} on ${tableOf(object)} rename to ${to}`]
    default:
      return undefined
  }
}

/** Kinds that a table has, and that are named `... on TABLE`. */
const onTable: ReadonlySet<string> = new Set(['constraint', 'trigger', 'rule', 'policy'])
/** Kinds whose name here is not the one that SQL takes. */
const namedOtherwise: ReadonlySet<string> = new Set(['user mapping'])

function commentRemedy({ kind, name, property, expected, parent }: Difference): string[] | undefined {
  if (property !== 'comment' || namedOtherwise.has(kind) || isPart(name)) return undefined
  const text = expected === undefined ? 'null' : quoteLiteral(String(expected))
  if (!onTable.has(kind))
    return [`comment on ${kind === 'attribute' ? 'column' : kind} ${commented(kind, name)} is ${text}`]
  const part = { kind, name, ...(parent !== undefined && { parent }), properties: {} }
  const on = parent?.startsWith('domain ') ? `domain ${tableOf(part)}` : tableOf(part)
  return [`comment on ${kind} ${partName(part)} on ${on} is ${text}`]
}

/** As COMMENT names it: a cast in parentheses, an aggregate without arguments with a star. */
function commented(kind: string, name: string): string {
  return kind === 'cast' ? `(${name})` : kind === 'aggregate' ? withStar(name) : name
}

const withStar = (aggregate: string) => aggregate.replace(/\(\)$/, '(*)')

function ownerRemedy({ kind, name, property, expected }: Difference): string[] | undefined {
  if (property !== 'owner' || typeof expected !== 'string') return undefined
  return [`alter ${kind} ${kind === 'aggregate' ? withStar(name) : name} owner to ${roleInSql(expected)}`]
}
