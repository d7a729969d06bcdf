// A new migration's files, in the scheme that the folder already uses.

import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { isThere } from './cannot-read.ts'
import { readFolder } from './folder.ts'
import { NoneYetError } from './listing.ts'
import { marksLike } from './marks.ts'
import type { Layout, Migration } from './migration.ts'
import { compareVersions } from './order.ts'
import { layoutNamed } from './tools/index.ts'
import { unwritten } from './unwritten.ts'
import { writeFiles } from './write-files.ts'

export interface CreateOptions {
  readonly dir: string
  /** As for `readFolder`. */
  readonly layout?: string | undefined
  readonly ignore?: readonly string[] | undefined
  /** In a person's words: `add users`. */
  readonly title: string
  /** A code migration in TypeScript. */
  readonly code: boolean
  readonly now?: Date
}

/** `0005_`, `V2__`, `20260131-`: the next number would come before it. */
const numbered = /^(?:V\d+(?:[._]\d+)*__|\d{3,}(?:[_-]+|$))/i
const ending = /\.(?:sql|[cm]?[jt]s)$/i

/**
 * Writes a new migration that comes after the newest one, and is refused until it is written; returns the paths of its files.
 * @throws UsageError if the title makes no file name, or is one already, or a file exists already.
 */
export function createMigrationFiles(options: CreateOptions): string[] {
  const { dir, title, code, now = new Date() } = options
  const slug = title.trim().replace(/[\s/\\]+/g, '_')
  if (slug === '' || slug.startsWith('.') || /[\p{Cc}:*?"<>|]/u.test(slug))
    throw new UsageError(`${JSON.stringify(title)} cannot be a file name: use letters, digits, - and _.`)
  const words = slug.replace(numbered, '').replace(ending, '')
  if (words !== slug)
    throw new UsageError(
      `${JSON.stringify(title)} is a file's name already: number and ending are added. Say what the migration does alone: \`${words || 'add users'}\``,
    )
  const existing = isThere(dir) ? readExisting(dir, options) : []
  const newest = existing.findLast(migration => migration.kind !== 'repeatable')
  const layout = layoutOf(existing)
  const number = nextNumber(newest, existing, now)
  const own = layoutNamed(existing.findLast(m => m.kind === 'sql')?.tool ?? '')?.newFiles?.(number, slug)
  const files = code ? codeFile(number, slug) : (own ?? sqlFiles(layout, number, slug, existing))

  const paths = Object.keys(files).map(name => join(dir, name))
  const taken = paths.find(isThere)
  if (taken) throw new UsageError(`${taken} already exists.`)
  writeFiles(Object.entries(files).map(([name, text]) => ({ path: join(dir, name), text, as: 'new' })))
  return paths
}

/** None in a folder that is empty, or has a README alone. */
function readExisting(dir: string, options: CreateOptions): readonly Migration[] {
  try {
    return readFolder(dir, options)
  } catch (error) {
    if (error instanceof NoneYetError) return []
    throw error
  }
}

/** The layout of the newest SQL migration that counts. */
function layoutOf(existing: readonly Migration[]): Layout {
  return existing.findLast(m => m.kind === 'sql')?.layout ?? 'native'
}

/** One more than the newest; a timestamp of the same width if the newest is one. */
function nextNumber(newest: Migration | undefined, existing: readonly Migration[], now: Date): string {
  if (!newest) return '0001'
  const written = /^V?([\d._-]*\d)/.exec(newest.name)?.[1] ?? ''
  const stamp = now.toISOString()
  const digits = /^\d+/.exec(written)?.[0] ?? ''
  if (/^\d{4}-\d{2}-\d{2}-\d{6}/.test(newest.name))
    return `${stamp.slice(0, 10)}-${stamp.slice(11, 19).replaceAll(':', '')}`
  const numeric = stamp.replace(/\D/g, '')
  // seconds or milliseconds since 1970, or a date written out: 14, 12 or 8 digits
  if (/^(19|20)\d{12}$/.test(digits) || /^(19|20)\d{10}$/.test(digits) || /^(19|20)\d{6}$/.test(digits))
    return atLeast(numeric.slice(0, digits.length), newest, existing)
  if (/^1\d{12}$/.test(digits)) return atLeast(String(now.getTime()), newest, existing)
  if (/^1\d{9}$/.test(digits)) return atLeast(String(Math.floor(now.getTime() / 1000)), newest, existing)
  const first = newest.version[0] ?? 0n
  return String(first + 1n).padStart(digits.length, '0')
}

/** With a clock that is behind, the new file must still come after the newest one. */
function atLeast(candidate: string, newest: Migration, existing: readonly Migration[]): string {
  const taken = existing.some(m => compareVersions(m.version, [BigInt(candidate)]) >= 0)
  return taken ? String((newest.version[0] ?? 0n) + 1n) : candidate
}

function sqlFiles(
  layout: Layout,
  number: string,
  slug: string,
  existing: readonly Migration[],
): Record<string, string> {
  const empty = `${unwritten}\n`
  switch (layout) {
    case 'pair':
      return { [`${number}_${slug}.up.sql`]: empty, [`${number}_${slug}.down.sql`]: empty }
    case 'folder': {
      const prisma = existing.findLast(m => m.layout === 'folder')?.file.endsWith('migration.sql')
      const folder = `${number}_${slug}`
      return prisma
        ? { [`${folder}/migration.sql`]: empty }
        : { [`${folder}/up.sql`]: empty, [`${folder}/down.sql`]: empty }
    }
    case 'flyway':
      return { [`V${number}__${slug}.sql`]: empty }
    default: {
      const texts = existing.filter(m => m.layout === 'native').map(m => m.up?.source ?? '')
      const [up, down] = marksLike(texts) ?? []
      return { [`${number}_${slug}.sql`]: down === undefined ? empty : `${up}\n${empty}\n${down}\n${empty}` }
    }
  }
}

function codeFile(number: string, slug: string): Record<string, string> {
  const content = `// Runs in a transaction. For batch(), which commits as it goes, put this line first: // migrate:up transaction:false

import type { MigrationContext } from 'schemagate'

export async function up({ query }: MigrationContext): Promise<void> {
  await query('write the SQL here')
}
`
  return { [`${number}_${slug}.ts`]: content }
}
