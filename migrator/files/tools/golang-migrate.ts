// golang-migrate: pairs `N_name.up.sql` and `N_name.down.sql`, by number.

import type { Tool } from './tool.ts'

export const golangMigrate: Tool = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  reads: '`000001_users.up.sql`, `000001_users.down.sql`. By number',
  not: 'a down file without its up is left out with a warning; files of other databases and of other endings (`.up.json`) are refused; a plain `2_seed.sql` is left out with `--layout golang-migrate`, and run without',
  tables: ['schema_migrations'],
  takes: ({ layout }) => layout === 'pair' || layout === 'code',
  // the program names the database, so that the tool takes any ending for a migration; those of Pop and Hasura are theirs
  code: [{ pattern: /^\d+_.*\.(?:up|down)\.(?!(?:sql|fizz|ya?ml)$)[^.]+$/is }],
}
