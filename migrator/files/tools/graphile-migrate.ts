// graphile-migrate: committed files `000001.sql`, which begin with the hash of the one before.

import type { Tool } from './tool.ts'

const advice =
  'is a placeholder of graphile-migrate, whose value stands in .gmrc; nothing fills it in here, and a committed file is not to be edited. `graphile-migrate compile FILE` prints it with its values: keep what that prints as a folder of its own.'

export const graphileMigrate: Tool = {
  name: 'graphile-migrate',
  title: 'graphile-migrate',
  reads: 'the folder `committed`: `000001.sql` with `--! Previous:` and `--! Hash:`; `--! no-transaction`. By number',
  not: '`:PLACEHOLDERS` are refused',
  tables: ['graphile_migrate.migrations', 'graphile_migrate.current'],
  dialect: { words: ['no-transaction'], noTransaction: /^--!\s*no-transaction\b/i },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  placeholders: [
    // its own ones are told by their names; in a string any other word may be a format ('HH24:MI')
    { pattern: /(?<!:):DATABASE_[A-Z_]+\b/, what: advice },
  ],
}

/** True for a committed file of graphile-migrate. */
export const isCommitted = (source: string): boolean => /^--! Previous: [^\n]*\n--! Hash: /.test(source)

export const placeholderAdvice = advice
