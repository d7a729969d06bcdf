// Sequelize's command line and Umzug: a module for each migration, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** sequelize-cli, lib/core/migrator.js; Umzug takes whatever its glob names, SQL as well. */
const loaded = /\.(?:[cm]?js|[cm]?ts|sql)$/

export const sequelize: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: file =>
        loaded.test(file) && !/\.d\.[cm]?ts$|\.down\.sql$/.test(file)
          ? { key: withoutEnding(file), name: file }
          : undefined,
    },
    options,
  )
