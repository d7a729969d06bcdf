// graphile-migrate's history: `graphile_migrate.migrations`, one row for each committed file; `current` is work in progress.

import { quoteIdent } from '../postgres/quote.ts'
import { eachApplied, type HistoryTool, numberKey, numberSql, present } from './history.ts'

export const graphileMigrate: HistoryTool = {
  name: 'graphile-migrate',
  title: 'graphile-migrate',
  tables: ['migrations'],
  schema: 'graphile_migrate',
  columns: { hash: 'text', previous_hash: 'text', filename: 'text' },
  beside: () => ['current'],
  fields: { checksum: 'hash', name: 'filename', appliedAt: 'date' },
  order: 't.filename',
  running: ({ schema, beside }) =>
    beside.has('current')
      ? `exists (select from ${quoteIdent(schema)}.current where ${withoutComments('content')} ~ '[^[:space:]]')`
      : undefined,
  atWork:
    'current.sql is applied and not committed; commit it: graphile-migrate commit; once it is: graphile-migrate watch --once, which forgets it',
  sql: { key: numberSql("substring(filename from '^[0-9]+')") },
  read: rows => ({
    // `000001.sql`, also where the file's name goes on with a message
    entries: eachApplied(rows, row => {
      const key = numberKey(/^\d+/.exec(row.name ?? '')?.[0])
      return key === undefined ? undefined : { key, name: row.name!, ...present(row, ['appliedAt', 'checksum']) }
    }),
    unfinished: [],
  }),
}

/** An empty current.sql has a comment. Those of a line first: one may hold the beginning of a longer one. */
function withoutComments(sql: string): string {
  return `pg_catalog.regexp_replace(pg_catalog.regexp_replace(${sql}, '--[^\n]*', '', 'g'), '/[*].*?[*]/', '', 'g')`
}
