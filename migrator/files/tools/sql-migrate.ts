// sql-migrate: `-- +migrate Up` and `-- +migrate Down`, in either order and more than once.

import { compareByNumberThenText } from '../order.ts'
import type { Tool } from './tool.ts'

export const sqlMigrate: Tool = {
  name: 'sql-migrate',
  title: 'sql-migrate',
  reads:
    '`20240101-users.sql` with `-- +migrate Up`, `-- +migrate Down` in either order, several of each; `notransaction`. By number, then by name',
  not: 'a file without a number is refused',
  tables: ['gorp_migrations'],
  dialect: {
    words: ['+migrate'],
    up: /^--\s*\+migrate\s+up\b(.*)$/i,
    down: /^--\s*\+migrate\s+down\b(.*)$/i,
    repeats: true,
    eitherOrder: true,
    written: ['-- +migrate Up', '-- +migrate Down'],
  },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  order: () => compareByNumberThenText,
}
