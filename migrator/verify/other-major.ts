// A snapshot of an older major version: what comes with an upgrade by itself is no drift.

import type { Catalog, CatalogObject } from './catalog/catalog.ts'

const majorOf = (serverVersion: number) => Math.floor(serverVersion / 10_000)

/** The line to log where a snapshot is of another major version than the database; undefined where it is not. */
export function otherMajor(expected: Catalog, found: Catalog): string | undefined {
  const [from, to] = [expected, found].map(({ serverVersion }) => majorOf(serverVersion))
  if (from === to) return undefined
  return `The snapshot is of PostgreSQL ${from}, and the database of ${to}: they print some views and expressions in other words, and those are told as other ones. Write it again once the rest is as expected: schemagate verify --snapshot > FILE`
}

/**
 * The catalogue as it is after an upgrade to that version. Whoever had all rights on a table has MAINTAIN as well from
 * 17 on.
 */
export function asUpgraded(catalog: Catalog, serverVersion: number): Catalog {
  if (catalog.serverVersion >= 170000 || serverVersion < 170000) return catalog
  return { ...catalog, objects: catalog.objects.map(withMaintain) }
}

const allRights = ['delete', 'insert', 'references', 'select', 'trigger', 'truncate', 'update']
const listed = (rights: readonly string[], option = '') => rights.map(right => right + option).join(', ')
const upgraded = new Map(
  ['', ' with grant option'].map(option => [
    listed(allRights, option),
    listed([...allRights, 'maintain'].toSorted(), option),
  ]),
)

function withMaintain(object: CatalogObject): CatalogObject {
  const entries = Object.entries(object.properties).map(([name, value]) => [
    name,
    (name.startsWith('grants to ') && upgraded.get(String(value))) || value,
  ])
  return { ...object, properties: Object.fromEntries(entries) }
}
