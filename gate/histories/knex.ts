// Knex's history: `knex_migrations`, one row for each file, and a lock beside it.

import { quoteIdent } from '../postgres/quote.ts'
import type { HistoryTool } from './history.ts'
import { readNames, withoutEndingSql } from './names.ts'

export const knex: HistoryTool = {
  name: 'knex',
  title: 'Knex',
  tables: ['knex_migrations'],
  columns: { name: 'text', batch: 'number', migration_time: 'time' },
  distinctive: true,
  beside: table => [`${table}_lock`],
  code: true,
  fields: { name: 'name', appliedAt: 'migration_time' },
  order: 't.id',
  chronological: true,
  running: ({ schema, table, beside }) =>
    beside.has(`${table}_lock`)
      ? `exists (select from ${quoteIdent(schema)}.${quoteIdent(`${table}_lock`)} where is_locked = 1)`
      : undefined,
  atWork: 'its lock is set; if no run is under way: knex migrate:unlock',
  sql: { key: withoutEndingSql('name') },
  read: readNames,
}
