// Drizzle: what its journal lists, in the journal's order; from 1.0 on a folder for each migration, by name as text.

import { compareAsText } from '../order.ts'
import { endStatements } from '../separators.ts'
import { byFolders } from './folders.ts'
import type { Listing, Tool } from './tool.ts'

const journalPath = 'meta/_journal.json'

/** The names in the journal, in its order. Undefined: there is none, or something else has its name. */
function journal(listing: Listing): string[] | undefined {
  return read(listing).names
}

function parsed(listing: Listing): unknown {
  return read(listing).value
}

interface Journal {
  readonly value: unknown
  readonly names: string[] | undefined
}

/** It is asked for with every file of the folder. */
const journals = new WeakMap<Listing, Journal>()

function read(listing: Listing): Journal {
  const known = journals.get(listing)
  if (known) return known
  const text = listing.text(journalPath)
  let value: unknown
  try {
    value = text === undefined ? undefined : JSON.parse(text)
  } catch {
    value = 'broken'
  }
  const names = entriesOf(value)?.flatMap(entry => {
    const tag: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'tag') : undefined
    return typeof tag === 'string' ? [tag.normalize('NFC')] : []
  })
  const journal = { value, names }
  journals.set(listing, journal)
  return journal
}

function entriesOf(value: unknown): unknown[] | undefined {
  const entries: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'entries') : undefined
  return Array.isArray(entries) ? entries : undefined
}

export const drizzle: Tool = {
  name: 'drizzle',
  title: 'Drizzle',
  reads:
    'what `meta/_journal.json` lists, in its order; `20240101000000_users/migration.sql` beside `snapshot.json` (1.0), by name as text. `--> statement-breakpoint` ends a statement',
  not: 'a file that the journal does not list is left out with a warning, and one that it lists must be there; a journal for another database, or one that cannot be read, is refused',
  module: /\bdrizzle-orm\b/,
  tables: ['__drizzle_migrations'],
  recognise: listing =>
    parsed(listing) === 'broken' ||
    entriesOf(parsed(listing)) !== undefined ||
    (byFolders(listing, 'migration.sql', name => /^\d{14}_/.test(name)) &&
      [...listing.folders.values()].some(files => files.includes('snapshot.json'))),
  takes(named, listing) {
    const listed = journal(listing)
    return listed ? named.layout === 'native' && listed.includes(named.name) : named.layout === 'folder'
  },
  leavesStrays: true,
  order(listing) {
    const listed = new Map(journal(listing)?.map((name, index) => [name, index]))
    if (listed.size === 0) return compareAsText
    return (a, b) => (listed.get(a.name) ?? 0) - (listed.get(b.name) ?? 0)
  },
  expects: listing => journal(listing) ?? [],
  refuses(listing) {
    const value = parsed(listing)
    const entries = entriesOf(value)
    const names = journal(listing)
    if (value === 'broken') return `has a ${journalPath} that is no JSON. Was a merge conflict left in it?`
    const dialect: unknown = entries && typeof value === 'object' && value !== null ? Reflect.get(value, 'dialect') : ''
    if (typeof dialect === 'string' && dialect !== '' && !/^(?:pg|postgres)/.test(dialect))
      return `has migrations for ${dialect}, as ${journalPath} says. Name the folder of those for Postgres with --dir.`
    if (entries && names && names.length < entries.length)
      return `has a ${journalPath} with an entry that names no file. Generate it with drizzle-kit.`
    return undefined
  },
  // a string, too, is divided by Drizzle itself
  translate: source => endStatements(source),
}
