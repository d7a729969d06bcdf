// graphile-migrate: committed files `000001.sql`, which begin with the hash of the one before.

import type { Tool } from './tool.ts'

export const graphileMigrate: Tool = {
  name: 'graphile-migrate',
  title: 'graphile-migrate',
  reads: 'the folder `committed`: `000001.sql` with `--! Previous:` and `--! Hash:`; `--! no-transaction`. By number',
  not: '`:PLACEHOLDERS` are refused',
  tables: ['graphile_migrate.migrations', 'graphile_migrate.current'],
  dialect: { words: ['no-transaction'], noTransaction: /^--!\s*no-transaction\b/i },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  // a committed file
  ownsFile: source => /^--! Previous: [^\n]*\n--! Hash: /.test(source),
  refusedNames: [
    {
      // as its settings of these names are given
      pattern: /^(?:before|after)(?:Reset|AllMigrations|Current)\.sql$/,
      what: 'is run by graphile-migrate outside of its migrations, which are in the folder committed: name that with --dir.',
    },
  ],
  placeholders: [
    {
      // those that the tool itself defines are known by their names; in a string any other word may be a format ('HH24:MI')
      pattern: /(?<!:):DATABASE_[A-Z_]+\b/,
      inCode: /^:[A-Z][A-Z0-9_]*\b/,
      what: 'is a placeholder of graphile-migrate, whose value is in .gmrc; schemagate does not fill it in, and a committed file must not be edited. `graphile-migrate compile FILE` prints it with its values: keep what that prints in a folder of its own.',
    },
  ],
}
