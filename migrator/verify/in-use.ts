// What of the live schema rests on a column, a key or a function that should be another one.

import type { Catalog, CatalogObject } from './catalog/catalog.ts'
import type { Difference } from './difference.ts'
import { isRoutine, isStandard } from './remedies/functions.ts'
import { isPart, nameInStatements, namesIn, partName, tableOf } from './remedies/names.ts'

type Find = (object: CatalogObject) => readonly CatalogObject[]

/** Adds to a difference what its remedy has to look at; rather too much than too little. */
export function withUsers({ objects }: Catalog, heirsOf: Find): (difference: Difference) => Difference {
  return difference => {
    const { kind, property = '', object } = difference
    if (!object || difference.change !== 'changed') return difference
    const tables = [object, ...heirsOf(object)].map(tableOf)
    const rests =
      kind === 'column' && (property === 'type' || property === 'collation')
        ? onColumn(object, tables)
        : (kind === 'constraint' || kind === 'index') && property === 'definition'
          ? onKey(object, tables)
          : isRoutine(kind) && property === 'body'
            ? onFunction(object)
            : undefined
    return rests ? { ...difference, users: objects.filter(other => other !== object && rests(other)) } : difference
  }
}

function onColumn(column: CatalogObject, tables: readonly string[]) {
  const name = partName(column)
  return (other: CatalogObject): boolean => {
    const { kind, properties: p } = other
    // it counts on by itself
    if (kind === 'sequence') return false
    // the same column of a partition
    if (kind === 'column' && tables.includes(tableOf(other)) && p.generated === undefined) return false
    if (kind === 'column' || kind === 'attribute' || kind === 'domain')
      if (tables.some(table => String(p.type).replace(/(?:\[\])+$/, '') === table)) return true
    if (isRoutine(kind) && !isStandard(p)) return false
    const text = textOf(other)
    const names = namesIn(text)
    const isNear = tables.some(table => tableOf(other) === table || other.name === table || names.all.has(table))
    return isNear && names.words.has(name)
  }
}

/** A foreign key that refers to it, or a view that groups by it. */
function onKey(key: CatalogObject, tables: readonly string[]) {
  const definition = String(key.properties.definition)
  const isPrimary = definition.startsWith('PRIMARY KEY')
  const columns = columnsOf(definition)
  // no foreign key rests on it
  if (definition.startsWith('CREATE INDEX')) return () => false
  return (other: CatalogObject): boolean => {
    const text = String(other.properties.definition)
    if (other.kind === 'constraint') {
      const [, table = '', referred = ''] = / REFERENCES (.*?)\(((?:[^()"]|"[^"]*")*)\)/s.exec(text) ?? []
      return tables.includes(table) && columnsOf(`(${referred})`) === columns
    }
    const isGrouped = isPrimary && textOf(other).includes(' GROUP BY ')
    return isGrouped && tables.some(table => namesIn(textOf(other)).all.has(table))
  }
}

/** Those in the first parentheses, in an order of their own; without the words of a period. */
function columnsOf(definition: string): string {
  const [, list = ''] = /\(((?:[^()"]|"[^"]*")*)\)/.exec(definition) ?? []
  const names = list.split(', ').map(column => column.replace(/^PERIOD | WITHOUT OVERLAPS$/, ''))
  return names.toSorted().join()
}

/** An index that was built with its results; a partition's is built again with that of its table. */
function onFunction(routine: CatalogObject) {
  const name = nameInStatements(routine)
  return ({ kind, properties, name: index }: CatalogObject): boolean =>
    kind === 'index' && !isPart(index) && namesIn(String(properties.definition)).all.has(name)
}

function textOf({ properties }: CatalogObject): string {
  const { comment: _, ...others } = properties
  return Object.entries(others)
    .flatMap(([property, value]) => (typeof value === 'string' ? [property, value] : []))
    .join('\n')
}
