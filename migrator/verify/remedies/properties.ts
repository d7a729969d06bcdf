// Statements for a property of a table, index, constraint, sequence, view, function, trigger or type.

import { quoteLiteral } from '../../../gate/postgres/quote.ts'
import { type CatalogObject, isInherited } from '../catalog/catalog.ts'
import type { Difference } from '../difference.ts'
import { isRoutine, routineRemedy, settingChange } from './functions.ts'
import { constraintInstead } from './made.ts'
import { foreignOption, indexOf, isOfPartitions, isPart, partName, policyTerms, tableOf, viewOptions } from './names.ts'
import { inheritsRemedy, partitionRemedy } from './partitions.ts'
import { publicationRemedy } from './publications.ts'

/** What switches a trigger or a rule; absent is the ordinary state. */
const switches: Readonly<Record<string, string>> = {
  disabled: 'disable',
  'fires always': 'enable always',
  'fires on replicas only': 'enable replica',
}

const rowSecurity: Readonly<Record<string, readonly [on: string, off: string]>> = {
  'row security': ['enable row level security', 'disable row level security'],
  'row security for the owner': ['force row level security', 'no force row level security'],
}

const sequenceOptions: Readonly<Record<string, string>> = {
  increment: 'increment by',
  cache: 'cache',
}

/** These have to fit each other: they are set together. */
const sequenceBounds: Readonly<Record<string, string>> = {
  type: 'as',
  minimum: 'minvalue',
  maximum: 'maxvalue',
  start: 'start with',
}

/** For whatever is no column; undefined where there is none. */
export function propertyRemedy(difference: Difference): string[] | undefined {
  const { kind, name, parent, property = '', found, expected, object, was } = difference
  const part = partOf(difference)
  if (isPart(name) && property !== 'triggers') return undefined
  const security = rowSecurity[property]
  if (security) return [`alter table ${name} ${expected === undefined ? security[1] : security[0]}`]
  const named = namedRemedy(difference)
  if (named) return [named]
  switch (`${kind} ${property}`) {
    case 'trigger state':
    case 'rule state':
      return [`alter table ${tableOf(part)} ${switches[String(expected)] ?? 'enable'} ${kind} ${partName(part)}`]
    case 'event trigger state':
      return [`alter event trigger ${name} ${switches[String(expected)] ?? 'enable'}`]
    case 'constraint validity':
      return expected === undefined
        ? [`alter ${onDomain(part) ? 'domain' : 'table'} ${tableOf(part)} validate constraint ${partName(part)}`]
        : undefined
    case 'constraint definition':
      return canBeReplaced(difference) && was ? constraintInstead(was) : undefined
    case 'constraint triggers':
      // by their names: a trigger of the project's on the same table may have to stay disabled
      return expected === undefined ? [object?.properties['enabled by'] ?? []].flat() : undefined
    case 'index validity':
      // of partitions: valid as soon as each has its part
      return expected === undefined && !isOfPartitions(object) ? [`reindex index concurrently ${name}`] : undefined
    case 'extension version':
      return isOlder(String(difference.found), String(expected))
        ? [`alter extension ${name} update to ${quoteLiteral(String(expected))}`]
        : undefined
    case 'index statistics targets':
      return statisticsTargets(found, expected).map(change => `alter index ${name} ${change}`)
    case 'index clustered':
    case 'constraint clustered':
      return expected === undefined ? undefined : [`alter ${parent} cluster on ${partName(part)}`]
    case 'index replica identity':
    case 'constraint replica identity':
      return expected === undefined
        ? undefined
        : [`alter table ${tableOf(part)} replica identity using index ${partName(part)}`]
    case 'table partition':
      return partitionRemedy(difference)
    case 'table inherits':
      return inheritsRemedy(difference)
    case 'table replica identity':
      return expected === 'an index' ? undefined : [`alter table ${name} replica identity ${expected ?? 'default'}`]
    case 'constraint comment on its index':
      return [
        `comment on index ${indexOf(part)} is ${expected === undefined ? 'null' : quoteLiteral(String(expected))}`,
      ]
    case 'view definition':
      if (!isExtended(difference)) return undefined
      return [`create or replace view ${name}${viewOptions(was)} as ${String(expected).replace(/;$/, '').trim()}`]
    case 'trigger definition':
      return [object, was].some(isInherited) ? undefined : replaced(found, expected, 'TRIGGER')
    case 'rule definition':
      return replaced(found, expected, 'RULE')
    case 'policy roles':
    case 'policy using':
    case 'policy with check':
      return expected === undefined || !was
        ? undefined
        : [`alter policy ${partName(part)} on ${tableOf(part)} ${policyTerms(was)}`]
    case 'type labels':
      return addedLabels(difference)
    case 'sequence persistence':
      return [`alter sequence ${name} set ${expected ?? 'logged'}`]
    case 'sequence cycle':
      return [`alter sequence ${name} ${expected === undefined ? 'no cycle' : 'cycle'}`]
    case 'sequence owned by':
      // an identity's is its column's
      return [object, was].some(sequence => sequence?.parent?.startsWith('column '))
        ? undefined
        : [`alter sequence ${name} owned by ${expected ?? 'none'}`]
    case 'domain default':
      return [`alter domain ${name} ${expected === undefined ? 'drop default' : `set default ${expected}`}`]
    case 'domain nullability':
      return [`alter domain ${name} ${expected === undefined ? 'drop' : 'set'} not null`]
    case 'statistics statistics target':
      return [`alter statistics ${name} set statistics ${expected ?? -1}`]
    case 'table of type':
      return [`alter table ${name} ${expected === undefined ? 'not of' : `of ${expected}`}`]
    case 'server version':
      return expected === undefined ? undefined : [`alter server ${name} version ${quoteLiteral(String(expected))}`]
    default:
      return ofKind(difference)
  }
}

/** For a property that is named: `option fillfactor`, `setting work_mem`, `dropped with extension hstore`. */
function namedRemedy(difference: Difference): string | undefined {
  const { kind, name, property = '', found, expected } = difference
  const [, what, named = ''] = /^(option|setting|dropped with extension) (.*)$/s.exec(property) ?? []
  if (what === 'option' && ['table', 'view', 'materialized view'].includes(kind))
    return `alter ${kind} ${name} ${setOrReset(named, expected)}`
  if (what === 'option' && ['foreign table', 'server', 'foreign data wrapper'].includes(kind)) {
    const change = foreignOption(named, found, expected)
    return change === undefined ? undefined : `alter ${kind} ${name} ${change}`
  }
  if (what === 'option' && kind === 'constraint')
    return `alter index ${indexOf(partOf(difference))} ${setOrReset(named, expected)}`
  if (what === 'setting' && (kind === 'function' || kind === 'procedure')) {
    return `alter ${kind} ${name} ${settingChange(named, expected)}`
  }
  if (what !== 'dropped with extension') return undefined
  const part = partOf(difference)
  const of = kind === 'trigger' ? `${partName(part)} on ${tableOf(part)}` : name
  return `alter ${kind} ${of} ${expected === undefined ? 'no ' : ''}depends on extension ${named}`
}

/** From `1: 500, 3: 40` to another such list, by the number of a column. */
function statisticsTargets(found: unknown, expected: unknown): string[] {
  const [has, wants] = [found, expected].map(
    list => new Map([...String(list).matchAll(/(\d+): (\d+)/g)].map(([, column, target]) => [column, target])),
  )
  const columns = [...new Set([...has!.keys(), ...wants!.keys()])].filter(
    column => has!.get(column) !== wants!.get(column),
  )
  return columns.map(column => `alter column ${column} set statistics ${wants!.get(column) ?? -1}`)
}

function ofKind(difference: Difference): string[] | undefined {
  const { kind } = difference
  if (isRoutine(kind)) return routineRemedy(difference)
  if (kind === 'publication') return publicationRemedy(difference)
  if (kind === 'text search configuration') return mappingRemedy(difference)
  return kind === 'sequence' ? sequenceRemedy(difference) : undefined
}

/** What a kind of word is looked up in. */
function mappingRemedy({ name, property = '', found, expected }: Difference): string[] | undefined {
  const word = /^mapping for (.*)$/.exec(property)?.[1]
  if (word === undefined) return undefined
  const verb = expected === undefined ? 'drop' : found === undefined ? 'add' : 'alter'
  const dictionaries = expected === undefined ? '' : ` with ${expected}`
  return [`alter text search configuration ${name} ${verb} mapping for ${word}${dictionaries}`]
}

function partOf({ name, parent }: Difference): Pick<CatalogObject, 'name' | 'parent'> {
  return { name, ...(parent !== undefined && { parent }) }
}

function sequenceRemedy({ name, property = '', expected, object, was }: Difference): string[] | undefined {
  if (sequenceOptions[property]) return [`alter sequence ${name} ${sequenceOptions[property]} ${expected}`]
  if (!sequenceBounds[property] || !isWithin(object, was)) return undefined
  const bounds = Object.entries(sequenceBounds).map(([bound, words]) => `${words} ${was?.properties[bound]}`)
  return [`alter sequence ${name} ${bounds.join(' ')}`]
}

/** Where a sequence stands is data, and may be outside of narrower bounds; what it goes on from then is a person's to say. */
function isWithin(found: CatalogObject | undefined, expected: CatalogObject | undefined): boolean {
  const bound = (sequence: CatalogObject | undefined, name: string) => BigInt(String(sequence?.properties[name] ?? 0))
  return bound(expected, 'minimum') <= bound(found, 'minimum') && bound(found, 'maximum') <= bound(expected, 'maximum')
}

function onDomain({ parent = '' }: Pick<CatalogObject, 'parent'>): boolean {
  return parent.startsWith('domain ')
}

/** Nothing rests on a check or a foreign key but those of partitions and child tables, and its triggers. */
function canBeReplaced({ object, was, heirs = [] }: Difference): boolean {
  const isPlain = ({ properties: p }: CatalogObject) =>
    /^(?:CHECK|FOREIGN KEY) /.test(String(p.definition)) &&
    p['inherited from'] === undefined &&
    p.triggers === undefined
  const [goesOn, wentOn] = [object, was].map(one => String(one?.properties.definition).includes(' NO INHERIT'))
  return heirs.length === 0 && goesOn === wentOn && [object, was].every(one => one && isPlain(one))
}

/** A view can be replaced by one that has its columns, and then others. */
function isExtended({ object, was }: Difference): boolean {
  const [has, wants] = [object, was].map(view => view?.properties.columns)
  return Array.isArray(has) && Array.isArray(wants) && has.every((column, i) => column === wants[i])
}

/** Extensions are updated, and have no way back. */
function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0
}

function setOrReset(option: string, expected: unknown): string {
  return expected === undefined ? `reset (${option})` : `set (${option} = ${quoteLiteral(String(expected))})`
}

/** A constraint's trigger cannot be replaced in place. */
function replaced(found: unknown, expected: unknown, word: string): string[] | undefined {
  const text = String(expected).replace(/;$/, '')
  return [found, text].every(one => String(one).startsWith(`CREATE ${word} `))
    ? [text.replace('CREATE ', 'CREATE OR REPLACE ')]
    : undefined
}

/** Labels can be added, and never taken away. */
function addedLabels({ name, found, expected }: Difference): string[] | undefined {
  if (!Array.isArray(found) || !Array.isArray(expected)) return undefined
  const kept = expected.filter(label => found.includes(label))
  if (kept.join('\0') !== found.join('\0')) return undefined
  return expected.flatMap((label, i) => {
    if (found.includes(label)) return []
    const place = i === 0 ? ` before ${quoteLiteral(found[0] ?? '')}` : ` after ${quoteLiteral(expected[i - 1] ?? '')}`
    return [`alter type ${name} add value ${quoteLiteral(label)}${found.length === 0 ? '' : place}`]
  })
}
