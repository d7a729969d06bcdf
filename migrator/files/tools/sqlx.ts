// sqlx: `N_name.sql`, or pairs `N_name.up.sql` and `N_name.down.sql`, by number.

import type { Tool } from './tool.ts'

export const sqlx: Tool = {
  name: 'sqlx',
  title: 'sqlx',
  reads: '`20240101000000_users.sql`, or `.up.sql` and `.down.sql`; `-- no-transaction`. By number',
  not: 'a down file without its up is left out with a warning',
  tables: ['_sqlx_migrations'],
  dialect: { words: ['no-transaction'], noTransaction: /^--\s*no-transaction\s*$/i },
  takes: ({ layout }) => layout === 'native' || layout === 'pair' || layout === 'code',
}
