// Names of parts: an object's own, and its table's.

import type { CatalogObject } from '../catalog/catalog.ts'

/** The parent's name, without its kind. */
export function tableOf({ parent }: Pick<CatalogObject, 'parent'>): string {
  return (
    parent?.replace(/^(?:materialized view|foreign table|table|view|domain|type|server|sequence|column) /, '') ?? ''
  )
}

/** `x` of `public.t.x` or `public.x`, quoted as it stands there. */
export function partName({ name, parent }: Pick<CatalogObject, 'name' | 'parent'>): string {
  const table = tableOf({ ...(parent !== undefined && { parent }) })
  if (name.startsWith(`${table}.`)) return name.slice(table.length + 1)
  return /(?:^|\.)("(?:[^"]|"")*"|[^.]*)$/.exec(name)?.[1] ?? name
}
