// Kysely: a module for each migration, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/kysely-org/kysely, src/migration/file-migration-provider.ts. */
const loaded = /\.(?:m?js|m?ts)$/

/** What it takes has a function `up`; other modules beside it (`index.ts`, `provider.ts`) are none. */
const hasUp =
  /\bexport\s+(?:async\s+)?(?:function|const|let|var)\s+up\b|\bexport\s*\{[^}]*\bup\b|\bexports\.up\b|(?:\bexport\s+default\b|\bmodule\.exports\s*=).*\bup\b/s

export const kysely: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: (file, path) =>
        loaded.test(file) && !/\.d\.m?ts$/.test(file) && hasUp.test(readUtf8(path))
          ? { key: withoutEnding(file), name: withoutEnding(file) }
          : undefined,
    },
    options,
  )
