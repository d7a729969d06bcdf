// Statements that make what is missing, for kinds whose whole definition the catalogue has.

import { doBlock, quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import { type CatalogObject, isInherited, listOf } from '../catalog/catalog.ts'
import { isInRoutine, isRoutine, madeRoutine } from './functions.ts'
import {
  isOfPartitions,
  isOption,
  isPart,
  nameInStatements,
  partName,
  policyTerms,
  tableOf,
  viewOptions,
} from './names.ts'
import { isInPublication, madePublication } from './publications.ts'

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
  type: [
    ...['form', 'labels', 'attributes', 'columns'],
    ...['subtype', 'multirange', 'collation', 'operator class', 'canonical', 'subtype difference'],
  ],
  domain: ['type', 'collation', 'default', 'nullability'],
  'event trigger': ['event', 'function', 'tags'],
  cast: ['function', 'method', 'context'],
  operator: ['function', 'result', 'commutator', 'negator', 'restrict', 'join', 'hashes', 'merges'],
  collation: ['provider', 'locale', 'character classes', 'deterministic', 'encoding', 'rules'],
}

/** The properties that those statements set; everything else about the object takes statements of its own. */
export function isInMade({ kind }: CatalogObject, property: string): boolean {
  if (isRoutine(kind)) return isInRoutine(property)
  if (kind === 'publication') return isInPublication(property)
  return inMade[kind]?.includes(property) === true || (kind === 'view' && isOption(property))
}

/** Undefined: it is made by its migration alone. */
export function made(object: CatalogObject): string[] | undefined {
  const { kind, name, properties: p } = object
  const definition = typeof p.definition === 'string' ? p.definition.replace(/;$/, '').trim() : ''
  switch (kind) {
    case 'index':
      return isPart(name) ? undefined : [indexDefinition(object, partName(object))]
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
      return typeOf(object)
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
    case 'cast':
      return [castOf(object)]
    case 'operator':
      return operatorOf(object)
    case 'collation':
      return collationOf(object)
    case 'event trigger':
      return [
        `create event trigger ${name} on ${p.event}${p.tags === undefined ? '' : ` when tag in (${String(p.tags).split(', ').map(quoteLiteral).join(', ')})`} execute function ${p.function}`,
      ]
    default:
      return undefined
  }
}

/** Undefined for a base type: its functions are made before it, with a type that is none yet. */
function typeOf({ name, properties: p }: CatalogObject): string[] | undefined {
  switch (p.form) {
    case 'enum':
      return [`create type ${name} as enum (${listOf(p.labels).map(quoteLiteral).join(', ')})`]
    case 'composite':
      return p.columns === undefined ? undefined : [`create type ${name} as (${listOf(p.columns).join(', ')})`]
    case 'range':
      return rangeOf(name, p)
    default:
      return undefined
  }
}

/** Undefined with a function of its own for the canonical form, which needs the type first. */
function rangeOf(name: string, p: CatalogObject['properties']): string[] | undefined {
  if (p.canonical !== undefined) return undefined
  const options = [
    `subtype = ${p.subtype}`,
    ...(p['operator class'] === undefined ? [] : [`subtype_opclass = ${p['operator class']}`]),
    ...(p.collation === undefined ? [] : [`collation = ${p.collation}`]),
    ...(p['subtype difference'] === undefined
      ? []
      : [`subtype_diff = ${nameInStatements({ name: String(p['subtype difference']) })}`]),
    ...(p.multirange === undefined ? [] : [`multirange_type_name = ${p.multirange}`]),
  ]
  return [`create type ${name} as range (${options.join(', ')})`]
}

function castOf({ name, properties: p }: CatalogObject): string {
  const how =
    p.method === 'a function' ? `with function ${p.function}` : p.method === 'none' ? 'without function' : 'with inout'
  const when = p.context === 'implicit' ? ' as implicit' : p.context === 'in assignments' ? ' as assignment' : ''
  return `create cast (${name}) ${how}${when}`
}

/** Undefined where it names another operator, which may need this one first. */
function operatorOf({ name, properties: p }: CatalogObject): string[] | undefined {
  const [, operator, left, right] =
    /^(.*?)\(((?:[^()",]|"[^"]*"|\(\d+\))*),((?:[^()",]|"[^"]*"|\(\d+\))*)\)$/s.exec(name) ?? []
  if (operator === undefined || p.commutator !== undefined || p.negator !== undefined) return undefined
  const named = (property: string) => nameInStatements({ name: String(p[property]) })
  const options = [
    `function = ${named('function')}`,
    ...(left === 'NONE' ? [] : [`leftarg = ${left}`]),
    `rightarg = ${right}`,
    ...['restrict', 'join'].flatMap(property =>
      p[property] === undefined ? [] : [`${property} = ${named(property)}`],
    ),
    ...['hashes', 'merges'].filter(property => p[property] !== undefined),
  ]
  return [`create operator ${operator} (${options.join(', ')})`]
}

function collationOf({ name, properties: p }: CatalogObject): string[] | undefined {
  if (p.provider === 'default' || p.locale === undefined) return undefined
  const locale = quoteLiteral(String(p.locale))
  const classes = p['character classes']
  const options = [
    `provider = ${p.provider}`,
    ...(p.provider === 'libc' && classes !== undefined && classes !== p.locale
      ? [`lc_collate = ${locale}`, `lc_ctype = ${quoteLiteral(String(classes))}`]
      : [`locale = ${locale}`]),
    ...(p.deterministic === undefined ? [] : ['deterministic = false']),
    ...(p.rules === undefined ? [] : [`rules = ${quoteLiteral(String(p.rules))}`]),
  ]
  return [`create collation ${name} (${options.join(', ')})`]
}

/** Beside the table's writers, where that can be; on a partitioned table it cannot, and its partitions get one with it. */
function indexDefinition(index: CatalogObject, name: string): string {
  const how = index.parent?.startsWith('table ') && !isOfPartitions(index) ? ' CONCURRENTLY' : ''
  return String(index.properties.definition).replace(/ INDEX ON (?:ONLY )?/, () => ` INDEX${how} ${name} ON `)
}

/**
 * An index or a key in the place of the one that has its name. Where that can be, the new one is built beside the table's
 * writers, and before the other one goes.
 */
export function instead(object: CatalogObject, was: CatalogObject): string[] {
  const definition = String(was.properties.definition)
  const name = partName(was)
  const next = nextName(name)
  const isPlainTable = was.parent?.startsWith('table ') && was.properties['of a partitioned table'] === undefined
  if (was.kind === 'index') {
    const schema = was.name.slice(0, -name.length)
    if ([object, was].some(isOfPartitions))
      return [doBlock(`drop index ${was.name}; ${indexDefinition(was, name)};`).replace(/;$/, '')]
    return [
      indexDefinition(was, next),
      `drop index${isPlainTable ? ' concurrently' : ''} ${was.name}`,
      `alter index ${schema}${next} rename to ${name}`,
    ]
  }
  const [, kind, distinct = '', columns, rest = ''] =
    /^(PRIMARY KEY|UNIQUE)( NULLS NOT DISTINCT)? (\((?:[^()"]|"[^"]*")*\)(?: INCLUDE \((?:[^()"]|"[^"]*")*\))?)(.*)$/s.exec(
      definition,
    ) ?? []
  const swap = `alter table ${tableOf(was)} drop constraint ${name}, add constraint ${name}`
  if (!isPlainTable || kind === undefined || columns!.includes(' WITHOUT OVERLAPS)')) return [`${swap} ${definition}`]
  return [
    `create unique index concurrently ${next} on ${tableOf(was)} ${columns}${distinct}`,
    `${swap} ${kind} using index ${next}${rest}`,
  ]
}

/** For the time until it has the name of the one before. */
function nextName(name: string): string {
  const bare = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
  return quoteIdent(`${Buffer.from(bare).subarray(0, 50).toString().replaceAll('\uFFFD', '')}_next`)
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
