// Reads the catalogue of the database that a session is connected to.

import type { Session } from '../../postgres/session.ts'
import { type Catalog, type CatalogObject, keyOf, type Value } from './catalog.ts'
import { canonicalExpression } from './expressions.ts'
import { catalogQuery } from './query.ts'

/**
 * Everything that changes how Postgres writes a name or a constant. A plan of so many parts costs enough for the
 * just-in-time compiler to start, which takes longer than the query.
 */
const settings = `set local search_path = ''; set local jit = off; set local timezone = 'UTC'; set local datestyle = 'ISO, MDY';
set local intervalstyle = 'postgres'; set local extra_float_digits = 1; set local bytea_output = 'hex'; set local quote_all_identifiers = off;`

interface Row {
  readonly kind: string
  readonly name: string
  readonly parent: string | null
  readonly properties: string
}

/** Two round trips, in a transaction that only reads. */
export async function readCatalog(session: Session): Promise<Catalog> {
  const serverVersion = session.greeting.version
  await session.query(`begin read only; ${settings}`)
  try {
    const { rows } = await session.query<Row>(catalogQuery(serverVersion))
    const objects = rows.map(objectOf)
    return { serverVersion, objects: objects.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) }
  } finally {
    await session.rollback()
  }
}

function objectOf({ kind, name, parent, properties }: Row): CatalogObject {
  const read: Record<string, Value> = JSON.parse(properties, canonicalExpression)
  return { kind, name, ...(parent !== null && { parent }), properties: read }
}
