// Grants and revokes that make a list of rights the expected one.

import type { Difference } from '../difference.ts'
import { partName, roleInSql, tableOf } from './names.ts'

/** What GRANT calls a kind, where it is another word than here. */
const words: Readonly<Record<string, string>> = {
  table: 'table',
  relation: 'table',
  view: 'table',
  'materialized view': 'table',
  'foreign table': 'table',
  sequence: 'sequence',
  schema: 'schema',
  function: 'function',
  procedure: 'procedure',
  aggregate: 'function',
  type: 'type',
  domain: 'domain',
  language: 'language',
  'foreign data wrapper': 'foreign data wrapper',
  server: 'foreign server',
}

const withOption = ' with grant option'

/** Undefined for a property that is no grant, for what the owner has, and for what another role has to take back. */
export function grantRemedy(difference: Difference): string[] | undefined {
  const { kind, name, parent, property = '', found, expected, object } = difference
  const grantee = /^grants to (.*)$/s.exec(property)?.[1]
  if (grantee === undefined || grantee === 'the owner') return undefined
  const own = kind.replace(/^(?:built-in|extension) /, '')
  const word = own === 'column' ? 'table' : words[own]
  if (!word) return undefined
  const part = { name, ...(parent !== undefined && { parent }) }
  const columns = own === 'column' ? ` (${partName(part)})` : ''
  const on = own === 'column' ? tableOf(part) : name
  const statements = grantStatements({ columns, on: `${word} ${on}`, grantee }, found, expected)
  const isOthers = [object?.properties['granted by others'] ?? []].flat().includes(grantee)
  return isOthers && statements.some(sql => sql.startsWith('revoke ')) ? undefined : statements
}

interface Where {
  /** What stands before GRANT and REVOKE. */
  readonly before?: string
  readonly columns?: string
  /** Kind and name, as GRANT takes them. */
  readonly on: string
  readonly grantee: string
}

/** From one list of rights to another. */
export function grantStatements(
  { before = '', columns = '', on, grantee }: Where,
  found: unknown,
  expected: unknown,
): string[] {
  const role = grantee === 'PUBLIC' ? 'public' : roleInSql(grantee)
  const [has, wants] = [listed(found), listed(expected)]
  const list = (rights: readonly string[]) => rights.map(right => `${right}${columns}`).join(', ')
  const excess = [...has].filter(right => !wants.has(right) && !wants.has(right + withOption))
  const lacking = [...wants].filter(right => !has.has(right))
  const tooMuch = excess.filter(right => !right.endsWith(withOption))
  // with the option, and wanted without it, or not at all
  const options = excess.filter(right => right.endsWith(withOption)).map(right => right.slice(0, -withOption.length))
  const gone = options.filter(right => !wants.has(right))
  const kept = options.filter(right => wants.has(right))
  const plain = lacking.filter(right => !right.endsWith(withOption) && !kept.includes(right))
  const full = lacking.filter(right => right.endsWith(withOption)).map(right => right.slice(0, -withOption.length))
  const revoked = [...tooMuch, ...gone]
  return [
    ...(revoked.length > 0 ? [`${before}revoke ${list(revoked)} on ${on} from ${role}`] : []),
    ...(kept.length > 0 ? [`${before}revoke grant option for ${list(kept)} on ${on} from ${role}`] : []),
    ...(plain.length > 0 ? [`${before}grant ${list(plain)} on ${on} to ${role}`] : []),
    ...(full.length > 0 ? [`${before}grant ${list(full)} on ${on} to ${role} with grant option`] : []),
  ]
}

function listed(value: unknown): ReadonlySet<string> {
  return new Set(typeof value === 'string' ? value.split(', ') : [])
}
