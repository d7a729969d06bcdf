// Kysely: a module for each migration, known by its file's name.

import { withoutEnding } from '../../../gate/histories/names.ts'
import { isNoMigration } from '../../files/layouts.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/kysely-org/kysely, src/migration/file-migration-provider.ts; later releases add `.cjs` and `.cts`. */
const loaded = /\.[cm]?[jt]s$/

/** What it takes has a function `up`; other modules beside it (`index.ts`, `provider.ts`) are none. */
const hasUp = new RegExp(
  [
    /\bexport\s+(?:async\s+)?(?:function|const|let|var)\s+up\b|\bexport\s*\{[^}]*\bup\b|\bexports\.up\b/,
    /(?:\bexport\s+default\b|\bmodule\.exports\s*=).*\bup\b/,
    // as compilers write it: exports["up"], defineProperty(exports, "up", ...), _export(exports, { up: ... })
    /\bexports\s*[,[]\s*["']up["']|\bexports\s*,\s*\{.*\bup\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  's',
)

/** A module that is named as a migration, and may have it from elsewhere: it is rather told as missing than left out. */
function mayHaveUp(file: string, text: string): boolean {
  return /^\d/.test(file) && !isNoMigration(file) && /\bup\b|\bexport\s*\*|\brequire\s*\(/.test(text)
}

export const kysely: FollowedReader = async (dir, options) =>
  readNamed(
    dir,
    {
      usual: 'migrations',
      read: (file, path) => {
        if (!loaded.test(file) || /\.d\.[cm]?ts$/.test(file)) return undefined
        const text = readUtf8(path)
        return hasUp.test(text) || mayHaveUp(file, text)
          ? { key: withoutEnding(file), name: withoutEnding(file) }
          : undefined
      },
    },
    options,
  )
