// db-migrate: a module for each migration, known by its file's name. Folders inside are scopes, which it runs where they are named.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** db-migrate-shared and its plugins: what it loads. */
const loaded = /\.(?:js|ts|coffee)$/

export const dbMigrate: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: file =>
        loaded.test(file) && !file.endsWith('.d.ts') ? { key: withoutEnding(file), name: file } : undefined,
    },
    options,
  )
