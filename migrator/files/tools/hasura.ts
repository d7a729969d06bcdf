// Hasura: a folder for each migration, with `up.sql` and `down.sql`; its number is the time in milliseconds.

import { byFolders } from './folders.ts'
import type { Tool } from './tool.ts'

const ownName = (folder: string): boolean => /^\d{13}(?:_|$)/.test(folder)

export const hasura: Tool = {
  name: 'hasura',
  title: 'Hasura',
  reads: '`1700000000000_users/up.sql`, `down.sql`. By number',
  not: '`up.yaml` (metadata) is refused; `.sql` files beside the folders are left out with a warning',
  recognise: listing =>
    byFolders(listing, 'up.sql', ownName) && [...listing.folders.keys()].every(name => ownName(name)),
  takes: ({ layout }) => layout === 'folder' || layout === 'code',
  leavesStrays: true,
  // its first version had the files beside one another
  code: [{ pattern: /^\d+_.*\.(?:up|down)\.ya?ml$/is }],
  refuses(listing) {
    const [folder] = [...listing.folders].find(([, files]) => files.includes('up.yaml')) ?? []
    return folder === undefined
      ? undefined
      : `has ${folder}/up.yaml, which is metadata that only Hasura can apply. If Hasura applies it, leave it out with --ignore '${folder}/up.yaml'.`
  },
}
