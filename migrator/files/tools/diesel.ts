// Diesel: a folder for each migration, with `up.sql` and `down.sql`, by version as text.

import { compareBytes, compareNames } from '../order.ts'
import { byFolders } from './folders.ts'
import type { Compare, Tool } from './tool.ts'

/** The part before the first `_`, without dashes. */
const version = (name: string): string => name.split('_')[0]!.replaceAll('-', '')

const byVersion: Compare = (a, b) => compareBytes(version(a.name), version(b.name)) || compareNames(a.name, b.name)

export const diesel: Tool = {
  name: 'diesel',
  title: 'Diesel',
  reads:
    '`2024-01-01-000000_users/up.sql`, `down.sql`; `run_in_transaction = false` in `metadata.toml`. By version as text, without its dashes',
  not: '`.sql` files beside the folders, and others in them, are left out with a warning',
  tables: ['__diesel_schema_migrations'],
  recognise: listing =>
    byFolders(listing, 'up.sql', name => /^\d{4}-\d\d-\d\d-\d{6}|^\d{14}_/.test(name)) ||
    (listing.files.includes('.diesel_lock') && byFolders(listing, 'up.sql', () => true)),
  nameFolder: name => ({
    name,
    layout: 'folder',
    direction: 'up',
    version: [BigInt(/^\d+$/.exec(version(name))?.[0] ?? 0)],
  }),
  takes: ({ layout }) => layout === 'folder' || layout === 'code',
  folderFile: 'up.sql',
  leavesStrays: true,
  order: () => byVersion,
  inTransaction: (entry, listing) =>
    !/^\s*run_in_transaction\s*=\s*false\b/m.test(listing.text(`${entry}/metadata.toml`) ?? ''),
}
