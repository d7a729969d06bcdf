// golang-migrate: pairs `N_name.up.sql` and `N_name.down.sql`, by number.

import type { Tool } from './tool.ts'

export const golangMigrate: Tool = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  reads: '`000001_users.up.sql`, `000001_users.down.sql`. By number',
  not: 'a down file without its up is left out with a warning; files of other databases and of other endings (`.up.json`) are refused',
  tables: ['schema_migrations'],
  takes: ({ layout }) => layout === 'pair' || layout === 'code',
  // its database is told by the program, so that any ending is a migration to it
  code: [{ pattern: /^\d+_.*\.(?:up|down)\.(?!sql$)[^.]+$/is }],
}
