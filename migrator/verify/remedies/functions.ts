// Statements for functions and procedures: the whole, or one property of it.

import { quoteLiteral } from '../../../gate/postgres/quote.ts'
import type { CatalogObject } from '../catalog/catalog.ts'
import type { Difference } from '../difference.ts'
import { nameInStatements } from './names.ts'

export const isRoutine = (kind: string) => kind === 'function' || kind === 'procedure'

/** What the statement that makes one does not say of it. */
const besidesDefinition: ReadonlySet<string> = new Set(['owner', 'comment'])

/** True for the properties that {@link madeRoutine} sets. */
export function isInRoutine(property: string): boolean {
  return !besidesDefinition.has(property) && !/^(?:grants to|dropped with extension) /.test(property)
}

/** Undefined where its catalogue does not have all of it. */
export function madeRoutine(
  { kind, name, properties: p }: CatalogObject,
  how: 'create' | 'create or replace',
): string[] | undefined {
  if (p.transforms !== undefined) return undefined
  const settings = Object.keys(p).filter(property => property.startsWith('setting '))
  const statement = [
    `${how} ${kind} ${nameInStatements({ name })}(${p.arguments})`,
    ...(p.returns === undefined ? [] : [`returns ${p.returns}`]),
    `language ${p.language}`,
    ...(p.window === undefined ? [] : ['window']),
    ...(kind === 'procedure' ? [] : attributes.filter(property => !isOrdinary(property, p))).flatMap(
      property => attribute(property, p[property]) ?? [],
    ),
    ...(p.security === undefined ? [] : [`security ${p.security}`]),
    ...settings.map(property => settingChange(property.slice('setting '.length), p[property])),
    bodyOf(p),
  ].join(' ')
  return namesByPath(p) ? ['set check_function_bodies = off', statement, 'reset check_function_bodies'] : [statement]
}

/** Its body may have names that are found by the search path of whoever wrote it, and not of whoever runs the remedy. */
function namesByPath(p: CatalogObject['properties']): boolean {
  if (p['setting search_path'] !== undefined || isStandard(p)) return false
  return p.language === 'sql' || (p.language === 'plpgsql' && /\bdeclare\b/i.test(String(p.body)))
}

/** A body that is no string: Postgres keeps it parsed, and prints it with the schema of each name. */
export function isStandard({ language, body }: CatalogObject['properties']): boolean {
  return language === 'sql' && /^(?:RETURN |BEGIN ATOMIC\s)/.test(String(body))
}

/** Of a function alone, in the words of ALTER FUNCTION. */
const attributes = ['volatility', 'parallel', 'leakproof', 'strict', 'cost', 'rows', 'support']

/** What a new one has by itself. */
function isOrdinary(property: string, p: CatalogObject['properties']): boolean {
  const cost = ['c', 'internal'].includes(String(p.language)) ? '1' : '100'
  const ordinary: CatalogObject['properties'] = { volatility: 'volatile', parallel: 'unsafe', cost }
  return p[property] === ordinary[property]
}

function attribute(property: string, value: unknown): string | undefined {
  switch (property) {
    case 'volatility':
      return String(value)
    case 'parallel':
      return `parallel ${value}`
    case 'leakproof':
      return value === undefined ? 'not leakproof' : 'leakproof'
    case 'strict':
      return value === undefined ? 'called on null input' : 'strict'
    case 'cost':
    case 'rows':
      return value === undefined ? undefined : `${property} ${value}`
    case 'support':
      return value === undefined ? undefined : `support ${nameInStatements({ name: String(value) })}`
    default:
      return undefined
  }
}

/** What is in a library has a name there. */
function bodyOf(p: CatalogObject['properties']): string {
  const { library } = p
  const text = String(p.body)
  if (isStandard(p)) return text
  if (library !== undefined) return `as ${quoteLiteral(String(library))}, ${quoteLiteral(text)}`
  let tag = '$$'
  // a dollar at its end would be read as one of the mark's
  for (let i = 0; `${text}$`.includes(tag); i++) tag = `$body${i === 0 ? '' : i}$`
  return `as ${tag}${text}${tag}`
}

/** For a property of one that is there; undefined where it has to be made again. */
export function routineRemedy({ kind, name, property = '', expected, object, was }: Difference): string[] | undefined {
  if (property === 'body' || property === 'language') {
    // another argument's name or another result is refused
    const isSame = (of: string) => object?.properties[of] === was?.properties[of]
    if (!was || !['arguments', 'returns', 'window'].every(isSame)) return undefined
    return madeRoutine(was, 'create or replace')
  }
  if (property === 'security') return [`alter ${kind} ${name} security ${expected ?? 'invoker'}`]
  const change = attributes.includes(property) ? attribute(property, expected) : undefined
  return change === undefined ? undefined : [`alter ${kind} ${name} ${change}`]
}

/** What stands behind ALTER FUNCTION for a setting of its own. */
export function settingChange(setting: string, value: unknown): string {
  return value === undefined ? `reset ${setting}` : `set ${setting} = ${settingValue(setting, String(value))}`
}

/** A search path is stored as the list that is written, an empty one as a name without letters, which is no name. */
function settingValue(setting: string, value: string): string {
  return setting === 'search_path' && !['', '""'].includes(value) ? value : quoteLiteral(value.replace(/^""$/, ''))
}
