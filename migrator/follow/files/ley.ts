// ley: a module for each migration, in all folders inside, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/lukeed/ley, lib/util.js: glob. */
const loaded = /\.[cm]?[jt]s$/

export const ley: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      deep: true,
      read: file =>
        loaded.test(file) && !/\.d\.[cm]?ts$/.test(file) ? { key: withoutEnding(file), name: file } : undefined,
    },
    options,
  )
