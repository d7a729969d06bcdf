// The order of migrations: by number, then by name; repeatable ones last.

import type { Migration } from './migration.ts'

/** Compares versions part by part, by value; a missing part is 0 (Flyway: 1 equals 1.0). */
export function compareVersions(a: readonly bigint[], b: readonly bigint[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i] ?? 0n
    const y = b[i] ?? 0n
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

/** Plain comparison by code unit: the same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

type Ordered = Pick<Migration, 'name' | 'version' | 'kind'>

/** The order in which migrations are applied. */
export function compareMigrations(a: Ordered, b: Ordered): number {
  const repeatable = Number(a.kind === 'repeatable') - Number(b.kind === 'repeatable')
  return repeatable || compareVersions(a.version, b.version) || compareNames(a.name, b.name)
}
