// What schemagate itself gives an app's role: no migration makes it, and it is no drift.

import { quoteIdent } from '../../gate/postgres/quote.ts'
import { sequenceRights, tableRights } from '../app-role/rights.ts'
import type { Session } from '../postgres/session.ts'
import { type Catalog, type CatalogObject, keyOf } from './catalog/catalog.ts'

/** The roles that a ledger has set up; none where it has set up none, or may not be read. */
export async function appRoles(session: Session, schema: string): Promise<string[]> {
  try {
    const { rows } = await session.query<{ role: string }>(
      `select role from ${quoteIdent(schema)}.schemagate_app_roles where grants`,
    )
    return rows.map(({ role }) => role)
  } catch {
    return []
  }
}

const rights: Readonly<Record<string, readonly string[]>> = {
  table: tableRights,
  'foreign table': tableRights,
  view: tableRights,
  'materialized view': tableRights,
  sequence: sequenceRights,
  schema: ['usage'],
  'default privileges': [...tableRights, ...sequenceRights],
}

/**
 * The catalogue without those grants: of what an app's role may do, only what schemagate does not give, or what was
 * expected anyway.
 */
export function withoutOwnGrants(found: Catalog, expected: Catalog, roles: readonly string[]): Catalog {
  if (roles.length === 0) return found
  const there = new Map(expected.objects.map(object => [keyOf(object), object]))
  const objects = found.objects.flatMap(object => {
    const own = rights[object.kind]
    if (!own) return [object]
    const left = withoutGrants(object, there.get(keyOf(object)), roles, own)
    const isEmpty = object.kind === 'default privileges' && !Object.keys(left.properties).some(isGrantToOther)
    return isEmpty && left !== object ? [] : [left]
  })
  return { ...found, objects }
}

/** A default privilege for all schemas lists what the owner has by itself. */
const isGrantToOther = (property: string) => property.startsWith('grants to ') && property !== 'grants to the owner'

function withoutGrants(
  object: CatalogObject,
  expected: CatalogObject | undefined,
  roles: readonly string[],
  own: readonly string[],
): CatalogObject {
  const properties = { ...object.properties }
  let changed = false
  for (const role of roles) {
    const property = `grants to ${role}`
    const granted = properties[property]
    if (typeof granted !== 'string') continue
    const wanted = asSet(expected?.properties[property])
    const left = granted.split(', ').filter(right => !own.includes(right) || wanted.has(right))
    if (left.length === granted.split(', ').length) continue
    changed = true
    if (left.length > 0) properties[property] = left.join(', ')
    else delete properties[property]
  }
  return changed ? { ...object, properties } : object
}

function asSet(value: unknown): ReadonlySet<string> {
  return new Set(typeof value === 'string' ? value.split(', ') : [])
}
