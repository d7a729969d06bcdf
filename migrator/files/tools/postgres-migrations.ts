// postgres-migrations: `1_name.sql`, by number.

import type { Tool } from './tool.ts'

export const postgresMigrations: Tool = {
  name: 'postgres-migrations',
  title: 'postgres-migrations',
  reads: '`1_users.sql`; `-- postgres-migrations disable-transaction`. By number',
  not: 'its JavaScript migrations (`generateSql`) are refused by name',
  module: /\bgenerateSql\b/,
  tables: ['migrations'],
  dialect: { words: ['postgres-migrations'], noTransaction: /^--\s*postgres-migrations\s+disable-transaction\s*$/i },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
}
