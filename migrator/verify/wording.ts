// A difference as an operator says it.

import type { Value } from './catalog/catalog.ts'
import type { Change, Difference } from './difference.ts'

/** What the database was compared with, in words. */
export interface Source {
  /** `the migrations make it`. */
  readonly makes: string
  /** `no migration makes it`. */
  readonly doesNot: string
}

export const migrationsAsSource: Source = { makes: 'the migrations make it', doesNot: 'no migration makes it' }
export const snapshotAsSource: Source = { makes: 'the snapshot has it as', doesNot: 'the snapshot does not have it' }

/** One line: the object, what is there, what was expected. {@link longTexts} shows a longer text by itself. */
export function sentence(difference: Difference, source = migrationsAsSource): string {
  return `${subject(difference)}: ${predicate(difference, source)}`
}

/** Kind and name, without the schema that everyone means. */
export function subject({ kind, name }: Pick<Difference, 'kind' | 'name'>): string {
  return `${kind} ${name.replace(/^public\./, '')}`
}

function predicate({ change, kind, property, found, expected, name }: Difference, source: Source): string {
  if (/^(?:built-in|extension) /.test(kind) && change !== 'changed') return rights(change, source)
  switch (change) {
    case 'unexpected':
      return `exists, and ${source.doesNot}`
    case 'missing':
      return source === migrationsAsSource
        ? 'is missing, and a migration makes it'
        : 'is missing, and the snapshot has it'
    case 'renamed':
      return `is named otherwise: expected ${subject({ kind: '', name: String(expected ?? name) }).trim()}`
    case 'changed':
      break
  }
  // the text is shown below it
  if (isLong(expected) && found === undefined) return `has no ${property}, and one is expected`
  if (isLong(found) && expected === undefined) return `${property} is there, and ${source.doesNot}`
  if (isLong(found) || isLong(expected)) return `its ${property} is another one`
  if (found === undefined) return `has no ${property}; ${source.makes} ${shown(expected)}`
  if (expected === undefined) return `${property}: ${shown(found)}, and ${source.doesNot}`
  return `${property} is ${shown(found)}; ${source.makes} ${shown(expected)}`
}

/** What Postgres or an extension brought is there anyway; it is listed where its rights are others. */
function rights(change: Change, source: Source): string {
  const isFile = source !== migrationsAsSource
  return change === 'unexpected'
    ? `has other rights than it came with, and ${isFile ? 'the snapshot does not have them' : 'no migration gives them'}`
    : `has the rights that it came with, and ${isFile ? 'the snapshot has others' : 'a migration gives it others'}`
}

function shown(value: Value | undefined): string {
  return (Array.isArray(value) ? value.join(', ') : String(value)) || "''"
}

const plain = (value: Value | undefined) => (value === undefined ? '' : String(value))

/** Where both texts are shown as a diff: a function's body, a view. */
export function longTexts({ change, found, expected }: Difference): { found: string; expected: string } | undefined {
  if (change !== 'changed' || !(isLong(found) || isLong(expected))) return undefined
  return { found: plain(found), expected: plain(expected) }
}

const longest = 200

function isLong(value: Value | undefined): boolean {
  return typeof value === 'string' && (value.includes('\n') || value.length > longest)
}
