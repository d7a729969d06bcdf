// Prisma: a folder for each migration, with `migration.sql` in it, by name as text.

import { compareAsText } from '../order.ts'
import { byFolders } from './folders.ts'
import type { Tool } from './tool.ts'

const lock = 'migration_lock.toml'

export const prisma: Tool = {
  name: 'prisma',
  title: 'Prisma',
  reads: '`20240101000000_users/migration.sql`. By name as text; a `down.sql` beside it is the way back',
  not: '`.sql` files beside the folders, and others in them, are left out with a warning; another provider in `migration_lock.toml` is refused',
  tables: ['_prisma_migrations'],
  recognise: listing =>
    listing.files.includes(lock)
      ? [...listing.folders.values()].some(files => files.includes('migration.sql'))
      : byFolders(listing, 'migration.sql', name => /^\d{14}_/.test(name)),
  nameFolder: name => ({ name, layout: 'folder', direction: 'up', version: [BigInt(/^\d+/.exec(name)?.[0] ?? 0)] }),
  takes: ({ layout }) => layout === 'folder' || layout === 'code',
  folderFile: 'migration.sql',
  leavesStrays: true,
  order: () => compareAsText,
  refuses(listing) {
    const provider = /^\s*provider\s*=\s*"(\w+)"/m.exec(listing.text(lock) ?? '')?.[1]
    return provider !== undefined && !/^(?:postgres(?:ql)?|cockroachdb)$/.test(provider)
      ? `has migrations for ${provider}, as ${lock} says. Name the folder of those for Postgres with --dir.`
      : undefined
  },
}
