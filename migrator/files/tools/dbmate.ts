// dbmate: one file with `-- migrate:up` and `-- migrate:down`, which are schemagate's own marks, too.

import { compareAsText } from '../order.ts'
import type { Tool } from './tool.ts'

export const dbmate: Tool = {
  name: 'dbmate',
  title: 'dbmate',
  reads: '`20240101000000_users.sql` with `-- migrate:up` and `-- migrate:down`; `transaction:false`. By name as text',
  not: 'where text and number would give another order (`2_`, `10_`), pending files are refused until `--layout dbmate` or `--layout native` says which',
  tables: ['schema_migrations'],
  dialect: {
    words: ['migrate:'],
    up: /^--\s*migrate:up\b(.*)$/,
    down: /^--\s*migrate:down\b(.*)$/,
    written: ['-- migrate:up', '-- migrate:down'],
  },
  sharesMarks: true,
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  order: () => compareAsText,
}
