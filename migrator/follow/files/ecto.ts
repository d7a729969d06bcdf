// Ecto: `20240101000000_name.exs`, in whatever folder inside, known by its number.

import { numberKey } from '../../../gate/histories/history.ts'
import { byNumber, logOthers, readNamed } from './named-files.ts'
import type { FollowedReader } from './reader.ts'

/** https://github.com/elixir-ecto/ecto_sql, lib/ecto/migrator.ex: an integer, an underscore, a name. */
const migration = /^(\d+)_.*\.exs$/s

const usual = 'priv/repo/migrations'

export const ecto: FollowedReader = async (dir, options) => {
  const found = readNamed(
    dir,
    {
      usual,
      deep: true,
      read(file) {
        const key = numberKey(migration.exec(file)?.[1])
        return key === undefined ? undefined : { key, name: file.slice(0, -'.exs'.length) }
      },
    },
    options,
  )
  logOthers(dir, { usual, title: 'Ecto', migration }, options)
  return byNumber(found)
}
