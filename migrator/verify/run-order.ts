// Differences in the order in which their remedies can be run.

import type { CatalogObject } from './catalog/catalog.ts'
import type { Difference } from './difference.ts'
import { isAlike } from './likeness.ts'
import { isRoutine } from './remedies/functions.ts'
import { indexOf, isPart, nameInStatements, namesIn, partName, segment, tableOf } from './remedies/names.ts'
import { isSetBefore } from './remedies/publications.ts'
import { remedy } from './remedy.ts'

export interface WithRemedy {
  readonly difference: Difference
  readonly remedy: readonly string[] | undefined
}

/** In the order given, but what a remedy needs comes before it; where that has no remedy, neither has it. */
export function withRemedies(differences: readonly Difference[]): WithRemedy[] {
  const order: WithRemedy[] = []
  const possible = new Map<Difference, boolean>()
  const needs = needsAmong(differences)
  const isInTheWay = obstaclesAmong(differences)
  const missingPolicies = ({ name }: Difference) =>
    differences.filter(
      ({ change, kind, parent }) => change === 'missing' && kind === 'policy' && parent === `table ${name}`,
    )
  function visit(difference: Difference): boolean {
    const known = possible.get(difference)
    if (known !== undefined) return known
    const statements = remedy(difference)
    // what needs it, and is needed by it in turn, goes on as if it were done
    possible.set(difference, statements !== undefined)
    // a table with row security shows no row until its policies are there
    if (difference.property === 'row security') for (const policy of missingPolicies(difference)) visit(policy)
    const before = statements ? needs(difference, statements.join('\n')).map(visit) : []
    const works = statements !== undefined && before.every(Boolean) && !isInTheWay(difference)
    possible.set(difference, works)
    order.push({ difference, remedy: works ? statements : undefined })
    return works
  }
  for (const difference of differences.toSorted((a, b) => turnOf(a) - turnOf(b))) visit(difference)
  return order
}

/**
 * What an extension brings is in no catalogue. What is made before default privileges has the rights of a new object by those
 * that are there. An event trigger may refuse what is run behind it.
 */
const turnOf = ({ kind }: Difference) =>
  kind === 'extension' ? 0 : kind === 'default privileges' ? 2 : kind === 'event trigger' ? 3 : 1

/** Of the same object: properties that have to be right before this one can be. */
const propertiesBefore: Readonly<Record<string, readonly string[]>> = {
  default: ['type', 'identity', 'generated'],
  nullability: ['identity'],
  // a function without a set has none
  rows: ['returns'],
  // a column's sequence has its table's owner
  'owned by': ['owner'],
  // for another command, or the other way round, they mean something else
  roles: ['command', 'mode'],
  using: ['command', 'mode'],
  'with check': ['command', 'mode'],
  // a new owner takes over what the one before it was granted; without row security a grant shows all rows
  grants: ['owner', 'row security'],
}

/**
 * Finds those that have to be put right before statements can be run: what they name and is not there under that name, or as
 * an enum without the label, a key of other columns, or a view without the column.
 */
function needsAmong(differences: readonly Difference[]) {
  const absent = differences.filter(
    difference =>
      ['missing', 'renamed'].includes(difference.change) ||
      difference.property === 'labels' ||
      isOtherKey(difference) ||
      lacksColumns(difference),
  )
  const byName = new Map<string, Difference[]>()
  for (const difference of absent)
    for (const object of [difference.was ?? difference, ...(difference.parts ?? [])]) {
      const name = nameInStatements(object)
      byName.set(name, [...(byName.get(name) ?? []), difference])
    }
  // a partition has them with its table's
  const ofTables = absent
    .filter(({ kind }) => kind === 'column' || kind === 'constraint' || kind === 'index')
    .flatMap(difference =>
      [difference, difference.was ?? [], difference.heirs ?? []].flat().map(part => ({ difference, part })),
    )
  const byTable = Map.groupBy(ofTables, ({ part }) => tableOf(part))
  const retyped = Map.groupBy(
    differences.filter(({ kind, property }) => kind === 'column' && property === 'type'),
    tableOf,
  )
  const inSchemas = [...byName.keys(), ...byTable.keys(), ...retyped.keys()].filter(isInSchema)
  const byWord = Map.groupBy(inSchemas, name => partName({ name }))
  const byObject = Map.groupBy(differences, ({ kind, name }) => `${kind} ${name}`)
  const leaving = differences.filter(({ property = '' }) => property === 'partition' || property === 'inherits')
  return (difference: Difference, text: string): Difference[] => {
    const { all, words } = namesIn(text)
    // the body is its author's text, in which names have no schema
    if (isRoutine(difference.kind)) for (const word of words) for (const name of byWord.get(word) ?? []) all.add(name)
    const named = [...all].flatMap(name => byName.get(name) ?? [])
    const parts = [...all]
      .flatMap(name => byTable.get(name) ?? [])
      .filter(({ difference: absent, part }) => isUsed(absent, tableOf(part), words, text))
      .map(({ difference: absent }) => absent)
    const types = isExpression(difference) ? [...all].flatMap(name => retyped.get(name) ?? []) : []
    const place =
      difference.property === 'partition' || difference.property === 'inherits'
        ? differences.filter(other => isAsked(other, difference, all))
        : difference.change === 'missing'
          ? (byObject.get(difference.parent ?? '') ?? []).filter(isPlace)
          : []
    const first = propertiesBefore[(difference.property ?? '').replace(/^grants to .*/s, 'grants')] ?? []
    const same = (byObject.get(`${difference.kind} ${difference.name}`) ?? []).filter(
      other => first.includes(other.property ?? '') || isSetBefore(other, difference),
    )
    const left = leaving.filter(other => isLeft(tableOf(difference), other))
    return [
      ...named,
      ...parts,
      ...types.filter(column => words.has(partName(column))),
      ...place,
      ...left,
      ...same,
    ].filter(other => other !== difference)
  }
}

/** A key, or a unique index, that a foreign key may refer to. */
function isOtherKey({ kind, object, was, property }: Difference): boolean {
  const isKey = (one?: CatalogObject) =>
    /^(?:PRIMARY KEY|UNIQUE|CREATE UNIQUE)/.test(String(one?.properties.definition))
  return (kind === 'constraint' || kind === 'index') && property === 'definition' && (isKey(object) || isKey(was))
}

/** Of a view that should have other ones. */
function lacksColumns({ object, was, property }: Difference): boolean {
  const [has, wants] = [object, was].map(view => view?.properties.columns)
  return property === 'definition' && Array.isArray(wants) && !wants.every(column => has?.includes(column))
}

/** Of a table: whether it is partitioned, or a partition. Its parts are made in other ways then. */
function isPlace({ property = '', found }: Difference): boolean {
  return property === 'partition key' || (property === 'partition' && found !== undefined)
}

/** A table that should no longer be a partition or a child of this one gets nothing of what is changed here. */
function isLeft(table: string, { found = '', expected = '' }: Difference): boolean {
  const [has, wants] = [found, expected].map(parents => namesIn(String(parents)).all)
  return has!.has(table) && !wants!.has(table)
}

/**
 * Before a table is attached it must have what its new parent has, and not more columns. One that is detached keeps indexes
 * and keys under other names.
 */
function isAsked(part: Difference, place: Difference, names: ReadonlySet<string>): boolean {
  const isOfTable = part.parent === `${place.kind} ${place.name}`
  if (place.expected === undefined) return isOfTable && part.change === 'unexpected' && isPart(part.name)
  if (!isOfTable && !(part.parent?.startsWith('table ') && names.has(tableOf(part)))) return false
  if (part.kind === 'column') return !['comment', 'default'].includes(part.property ?? '')
  return ['constraint', 'trigger'].includes(part.kind) && (part.change !== 'unexpected' || !isOfTable)
}

/** What columns of another type can give another meaning, or none. */
function isExpression({ change, property = '' }: Difference): boolean {
  return change === 'missing' || ['definition', 'using', 'with check', 'default', 'body'].includes(property)
}

/** A column that a statement names beside its table; the key that a foreign key refers to, or that a view groups by. */
function isUsed(part: Difference, table: string, words: ReadonlySet<string>, text: string): boolean {
  if (part.kind === 'column') return words.has(partName(part))
  return text.includes(` REFERENCES ${table}(`) || (isPrimaryKey(part) && text.includes(' GROUP BY '))
}

const isInSchema = (name: string) => name.match(segment)?.length === 2

const relations: ReadonlySet<string> = new Set([
  'table',
  'foreign table',
  'view',
  'materialized view',
  'sequence',
  'index',
  'type',
])

/** The name that it has among tables, views, sequences and indexes, a key's index the key's; or among functions. */
function takenName({ kind, name, parent, properties }: CatalogObject): string | undefined {
  const isKey = kind === 'constraint' && /^(?:PRIMARY KEY|UNIQUE|EXCLUDE)/.test(String(properties.definition))
  if (kind === 'aggregate' || isRoutine(kind)) return name
  if (!isKey && !relations.has(kind)) return undefined
  return String(properties['own name'] ?? (isKey ? indexOf({ name, ...(parent !== undefined && { parent }) }) : name))
}

/** Finds what has to go first: another thing of that name, the table's primary key, the column under another name. */
function obstaclesAmong(differences: readonly Difference[]) {
  const unexpected = differences.filter(({ change }) => change === 'unexpected')
  const names = new Set(
    unexpected.flatMap(({ object, parts = [], heirs = [] }) =>
      [...(object ? [object] : []), ...parts, ...heirs].map(takenName),
    ),
  )
  const keys = differences.filter(
    other => isPrimaryKey(other) && (other.change === 'unexpected' || other.property === 'definition'),
  )
  return (difference: Difference): boolean => {
    const { change, object, was, property, expected, parent } = difference
    const wanted = change === 'renamed' ? was : object
    const name = wanted && takenName(wanted)
    if (change === 'renamed') return name !== undefined && names.has(name)
    if (change === 'missing')
      return (
        (name !== undefined && names.has(name)) ||
        unexpected.some(other => mayBeColumn(other, difference)) ||
        (isPrimaryKey(difference) && keys.some(key => isSameTable(key, difference)))
      )
    const key = keys.find(other => other.parent === parent)
    if (!key || property !== 'nullability' || expected !== undefined) return false
    return namesIn(definitionOf(key)).words.has(partName(difference))
  }
}

/** The column may have been renamed: an empty one in its place would hide its rows from views and the application. */
function mayBeColumn({ kind, object }: Difference, missing: Difference): boolean {
  return kind === 'column' && object !== undefined && missing.object !== undefined && isAlike(object, missing.object)
}

/** Two keys are of one table, or of one partition. */
function isSameTable(a: Difference, b: Difference): boolean {
  const [of, others] = [a, b].map(({ parent, heirs = [] }) => [parent, ...heirs.map(heir => heir.parent)])
  return of!.some(table => others!.includes(table))
}

const definitionOf = ({ object }: Difference) => String(object?.properties.definition)

const isPrimaryKey = (difference: Difference) =>
  difference.kind === 'constraint' && definitionOf(difference).startsWith('PRIMARY KEY')
