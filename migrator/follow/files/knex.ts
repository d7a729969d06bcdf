// Knex: a module for each migration, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/knex/knex, lib/migrations/common/MigrationsLoader.js: what it loads; later releases add `.mjs`. */
const loaded = /\.(?:co|coffee|eg|iced|[cm]?js|litcoffee|ls|ts)$/

export const knex: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: file =>
        loaded.test(file) && !file.endsWith('.d.ts') ? { key: withoutEnding(file), name: file } : undefined,
    },
    options,
  )
