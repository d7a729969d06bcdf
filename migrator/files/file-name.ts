// What the name of a migration's file says.

import type { Layout } from './migration.ts'

/** A migration as its file's name describes it. A `down` belongs to the `up` of the same name. */
export interface Named {
  readonly name: string
  readonly layout: Layout
  readonly direction: 'up' | 'down'
  readonly version: readonly bigint[]
  /** It replaces the older ones on an empty database. */
  readonly standsIn?: true
}

/**
 * By the number at the beginning of the name. Diesel's dashes are part of its number: a folder may have
 * `20240101000000_users`, too.
 */
export function numbered(name: string, layout: Layout, direction: 'up' | 'down'): Named | undefined {
  const digits = /^\d{4}-\d\d-\d\d-\d{6}(?!\d)|^\d+/.exec(name)?.[0].replaceAll('-', '')
  return digits ? { name, layout, direction, version: [BigInt(digits)] } : undefined
}
