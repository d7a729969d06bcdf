// MikroORM: a module for each migration, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/mikro-orm/mikro-orm, packages/migrations: `!(*.d).{js,ts,cjs}`. */
const loaded = /\.(?:c?js|ts)$/

export const mikroOrm: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: file =>
        loaded.test(file) && !file.endsWith('.d.ts')
          ? { key: withoutEnding(file), name: withoutEnding(file) }
          : undefined,
    },
    options,
  )
