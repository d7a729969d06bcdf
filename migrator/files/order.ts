// The orders of migrations: by number, by version, by name as text; repeatable ones last.

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

const dotted = /^\d+(?:\.\d+)+(?!\d)|^\d+(?:[._]\d+)+(?=__)/

/**
 * The version that a name begins with, part by part: `1.10.0_users`; also `1_10__users`, which is Flyway's form where it
 * has no prefix. Undefined: it begins with one number, or with none.
 */
export function dottedVersion(name: string): readonly bigint[] | undefined {
  return dotted.exec(name)?.[0].split(/[._]/).map(BigInt)
}

/** Plain comparison by code unit: the same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

type Ordered = Pick<Migration, 'name' | 'version' | 'kind' | 'layout'>

const repeatablesLast = (a: Pick<Ordered, 'kind'>, b: Pick<Ordered, 'kind'>): number =>
  Number(a.kind === 'repeatable') - Number(b.kind === 'repeatable')

/** The order in which migrations are applied if their tool has no other: by number, then by name. */
export function compareMigrations(a: Omit<Ordered, 'layout'>, b: Omit<Ordered, 'layout'>): number {
  return repeatablesLast(a, b) || compareVersions(a.version, b.version) || compareNames(a.name, b.name)
}

/** By name as text, by bytes: the order of a directory listing, and of the tools that sort file names. */
export function compareAsText(a: Ordered, b: Ordered): number {
  return repeatablesLast(a, b) || compareBytes(fileName(a), fileName(b))
}

/** By number, and where that is equal by the file's name as text. */
export function compareByNumberThenText(a: Ordered, b: Ordered): number {
  return repeatablesLast(a, b) || compareVersions(a.version, b.version) || compareBytes(fileName(a), fileName(b))
}

/** The name that the tool sorts: a file's ending counts (`1_a b.sql` comes before `1_a.sql`). */
function fileName({ name, layout }: Ordered): string {
  switch (layout) {
    case 'folder':
      return name
    case 'pair':
      return `${name}.up.sql`
    default:
      return `${name}.sql`
  }
}

// from the surrogates up, the order of UTF-16 differs from that of UTF-8
const beyond = /[\ud800-\uffff]/

/** Strings as UTF-8 by byte, as Go, Rust and C compare them. */
export function compareBytes(a: string, b: string): number {
  return beyond.test(a) || beyond.test(b) ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : compareNames(a, b)
}
