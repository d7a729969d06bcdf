// Statements that make what is missing, for kinds whose whole definition the catalogue has.

import { quoteLiteral } from '../../../gate/postgres/quote.ts'
import type { CatalogObject } from '../catalog/catalog.ts'
import { isInRoutine, isRoutine, madeRoutine } from './functions.ts'
import { isInherited, isOption, isPart, partName, policyTerms, tableOf, viewOptions } from './names.ts'
import { isInPublication, madePublication } from './publications.ts'

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value : [])

const inMade: Readonly<Record<string, readonly string[]>> = {
  index: ['definition'],
  constraint: ['definition', 'validity', 'of a partitioned table'],
  trigger: ['definition'],
  rule: ['definition'],
  statistics: ['definition'],
  view: ['definition', 'columns'],
  'materialized view': ['definition', 'columns', 'access method'],
  extension: ['version', 'schema'],
  policy: ['mode', 'command', 'roles', 'using', 'with check'],
  column: ['type', 'collation', 'default', 'generated', 'nullability'],
  type: ['form', 'labels'],
  domain: ['type', 'collation', 'default', 'nullability'],
  'event trigger': ['event', 'function', 'tags'],
}

/** The properties that those statements set; everything else about the object takes statements of its own. */
export function isInMade({ kind }: CatalogObject, property: string): boolean {
  if (isRoutine(kind)) return isInRoutine(property)
  if (kind === 'publication') return isInPublication(property)
  return inMade[kind]?.includes(property) === true || (kind === 'view' && isOption(property))
}

/** Undefined: it is made by its migration alone. */
export function made(object: CatalogObject): string[] | undefined {
  const { kind, name, parent, properties: p } = object
  const definition = typeof p.definition === 'string' ? p.definition.replace(/;$/, '').trim() : ''
  switch (kind) {
    case 'index':
      return isPart(name) ? undefined : [indexDefinition(definition, partName(object), parent)]
    case 'constraint':
      return isPart(name) ? undefined : constraintOf(object, definition)
    case 'trigger':
      return isInherited(object) ? undefined : [definition]
    case 'rule':
    case 'statistics':
      return [definition]
    case 'view':
      return [`create view ${name}${viewOptions(object)} as ${definition}`]
    case 'materialized view':
      return [`create materialized view ${name} using ${p['access method']} as ${definition}`]
    case 'schema':
      return [`create schema ${name}`]
    case 'extension':
      return [`create extension ${name} schema ${p.schema} version ${quoteLiteral(String(p.version))}`]
    case 'policy':
      return [
        `create policy ${partName(object)} on ${tableOf(object)} as ${p.mode} for ${p.command} ${policyTerms(object)}`,
      ]
    case 'column':
      return columnOf(object)
    case 'type':
      return p.form === 'enum'
        ? [`create type ${name} as enum (${texts(p.labels).map(quoteLiteral).join(', ')})`]
        : undefined
    case 'domain':
      return [
        [
          `create domain ${name} as ${p.type}`,
          ...(p.collation === undefined ? [] : [`collate ${p.collation}`]),
          ...(p.default === undefined ? [] : [`default ${p.default}`]),
          ...(p.nullability === undefined ? [] : ['not null']),
        ].join(' '),
      ]
    case 'function':
    case 'procedure':
      return madeRoutine(object, 'create')
    case 'publication':
      return [madePublication(object)]
    case 'event trigger':
      return [
        `create event trigger ${name} on ${p.event}${p.tags === undefined ? '' : ` when tag in (${String(p.tags).split(', ').map(quoteLiteral).join(', ')})`} execute function ${p.function}`,
      ]
    default:
      return undefined
  }
}

/** Beside the table's writers, where that can be; on a partitioned table it cannot, and its partitions get one with it. */
function indexDefinition(definition: string, name: string, parent = ''): string {
  const how = parent.startsWith('table ') && !definition.includes(' ON ONLY ') ? ' CONCURRENTLY' : ''
  return definition.replace(' INDEX ON ', () => ` INDEX${how} ${name} ON `).replace(' ON ONLY ', ' ON ')
}

/**
 * Checks and foreign keys are added without a look at every row, and validated beside the table's writers; before 18 a
 * partitioned table takes no foreign key that is not valid.
 */
function constraintOf(object: CatalogObject, definition: string, before = ''): string[] {
  const on = `alter ${object.parent?.startsWith('domain ') ? 'domain' : 'table'} ${tableOf(object)}`
  const name = partName(object)
  const isPartitioned = object.properties['of a partitioned table'] !== undefined
  const later =
    (isPartitioned ? /^CHECK/ : /^(?:CHECK|FOREIGN KEY)/).test(definition) && !definition.includes('NOT ENFORCED')
  const add = `${on}${before} add constraint ${name} ${definition}`
  if (object.properties.validity === 'not valid') return [`${add} not valid`]
  return later ? [`${add} not valid`, `${on} validate constraint ${name}`] : [add]
}

/** A check or a foreign key in the place of the one that has its name; a table's is never without one. */
export function constraintInstead(object: CatalogObject): string[] {
  const definition = String(object.properties.definition)
  const drop = ` drop constraint ${partName(object)}`
  return object.parent?.startsWith('domain ')
    ? [`alter domain ${tableOf(object)}${drop}`, ...constraintOf(object, definition)]
    : constraintOf(object, definition, `${drop},`)
}

/** One that rows can be without. What is stored of a generated one is written into each row. */
function columnOf(object: CatalogObject): string[] | undefined {
  const { type, nullability, default: value, generated, identity, collation } = object.properties
  const [, virtual] = /^virtual: (.*)$/s.exec(String(generated)) ?? []
  if (type === undefined || (generated !== undefined && !virtual) || identity !== undefined) return undefined
  if (nullability !== undefined && value === undefined) return undefined
  return [
    [
      `alter table ${tableOf(object)} add column ${partName(object)} ${type}`,
      ...(collation === undefined ? [] : [`collate ${collation}`]),
      ...(value === undefined ? [] : [`default ${value}`]),
      ...(virtual ? [`generated always as (${virtual}) virtual`] : []),
      ...(nullability === undefined ? [] : ['not null']),
    ].join(' '),
  ]
}
