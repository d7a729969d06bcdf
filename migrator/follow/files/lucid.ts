// Lucid (AdonisJS): a module for each migration, in all folders inside. Its history has their paths; names tell them apart.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/adonisjs/lucid, src/utils/index.ts: sourceFiles. */
const loaded = /\.[cm]?[jt]s$/

export const lucid: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'database/migrations',
      deep: true,
      read: file =>
        loaded.test(file) && !/\.d\.[cm]?ts$/.test(file)
          ? { key: withoutEnding(file), name: withoutEnding(file) }
          : undefined,
    },
    options,
  )
