// yoyo: a file of SQL or Python for each migration, known by its name; what is run after all of them is in no history.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** yoyo/migrations.py: read_migrations. */
const loaded = /^(?!__init__\.py$|post-apply).*\.(?:sql|py)$/

export const yoyo: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: file =>
        loaded.test(file) && !file.endsWith('.rollback.sql') ? { key: withoutEnding(file), name: file } : undefined,
    },
    options,
  )
