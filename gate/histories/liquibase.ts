// Liquibase's history: `databasechangelog`, one row for each change set.

import { quoteIdent } from '../postgres/quote.ts'
import { eachApplied, type HistoryTool, present } from './history.ts'

export const liquibase: HistoryTool = {
  name: 'liquibase',
  title: 'Liquibase',
  tables: ['databasechangelog'],
  columns: { id: 'text', author: 'text', filename: 'text', orderexecuted: 'number', exectype: 'text', md5sum: 'text' },
  distinctive: true,
  beside: () => ['databasechangeloglock'],
  // a change set is a part of a file, of which there may be many
  code: true,
  unread:
    'Its changelogs include each other and have contexts, labels and preconditions, by which Liquibase alone decides what it runs.',
  fields: {
    id: 'id',
    author: 'author',
    file: 'filename',
    state: 'exectype',
    checksum: 'md5sum',
    appliedAt: 'dateexecuted',
  },
  order: 't.orderexecuted',
  running: ({ schema, beside }) =>
    beside.has('databasechangeloglock')
      ? `exists (select from ${quoteIdent(schema)}.databasechangeloglock where locked)`
      : undefined,
  atWork: 'databasechangeloglock is set; if no run is under way: liquibase release-locks',
  sql: {
    key: "filename || '::' || id || '::' || author",
    state: "case when exectype not in ('FAILED', 'SKIPPED') then 'applied' end",
  },
  read: rows => ({
    // SKIPPED: the preconditions did not hold; FAILED: it did not run, and is tried again
    entries: eachApplied(rows, row => {
      const key = `${row.file}::${row.id}::${row.author}`
      return row.id && row.state !== 'FAILED' && row.state !== 'SKIPPED'
        ? { key, name: key, ...present(row, ['appliedAt', 'checksum']) }
        : undefined
    }),
    unfinished: [],
  }),
}
