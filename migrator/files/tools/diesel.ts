// Diesel: a folder for each migration, with `up.sql` and `down.sql`, by version as text.

import { readFolderName } from '../layouts.ts'
import { compareBytes, compareNames, compareVersions, dottedVersion } from '../order.ts'
import { byFolders } from './folders.ts'
import type { Compare, Listing, Tool } from './tool.ts'

/** The part before the first `_`, without dashes. */
const version = (name: string): string => name.split('_')[0]!.replaceAll('-', '')

const byVersion: Compare = (a, b) => compareBytes(version(a.name), version(b.name)) || compareNames(a.name, b.name)

const ownName = (name: string): boolean => /^\d{4}-\d\d-\d\d-\d{6}|^\d{14}_/.test(name)

/** Other tools have such folders, too, by number (Mojo::Pg): `2` before `10`. */
function inOneOrder(listing: Listing): boolean {
  const numbered = [...listing.folders.keys()].flatMap(name => readFolderName(name) ?? [])
  const sorted = numbered.toSorted((a, b) => compareBytes(version(a.name), version(b.name)))
  const versions = sorted.map(one => dottedVersion(one.name) ?? one.version)
  return versions.every((one, i) => i === 0 || compareVersions(versions[i - 1]!, one) <= 0)
}

export const diesel: Tool = {
  name: 'diesel',
  title: 'Diesel',
  reads:
    '`2024-01-01-000000_users/up.sql`, `down.sql`; `run_in_transaction = false` in `metadata.toml`. By version as text, without its dashes',
  not: '`.sql` files beside the folders, and others in them, are left out with a warning. Folders that are not named by date, and have another order by number (`2_`, `10_`), are refused while they are pending, until `--layout diesel` or `--layout native` says which',
  tables: ['__diesel_schema_migrations'],
  recognise(listing) {
    if (listing.files.includes('.diesel_lock')) return byFolders(listing, 'up.sql', () => true)
    const isCertain = () => [...listing.folders.keys()].some(ownName) || listing.text('../diesel.toml') !== undefined
    return byFolders(listing, 'up.sql', ownName) && (inOneOrder(listing) || isCertain())
  },
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
