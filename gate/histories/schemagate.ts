// Another ledger of schemagate's: of another project in the same database, or of this one in another schema.

import { eachApplied, type HistoryTool, present } from './history.ts'

export const otherLedger: HistoryTool = {
  name: 'schemagate',
  title: 'another schemagate ledger',
  tables: ['ledger'],
  unread: 'The manifest of its own migrations is made without --follow.',
  columns: {
    name: 'text',
    checksum: 'text',
    position: 'number',
    kind: 'text',
    breaking: 'boolean',
    state: 'text',
    journal: 'json',
  },
  distinctive: true,
  beside: () => ['manifest', 'ledger_version', 'runs', 'schemagate_app_roles', 'adoption'],
  fields: {
    name: 'name',
    checksum: 'checksum',
    state: 'state',
    kind: 'kind',
    appliedAt: 'applied_at',
    appliedBy: 'applied_by',
  },
  order: 't.position',
  sql: { key: 'name', state: "case state when 'applied' then 'applied' else 'unfinished' end" },
  read: rows => ({
    entries: eachApplied(rows, row =>
      row.name && row.state === 'applied'
        ? {
            key: row.name,
            name: row.name,
            ...present(row, ['appliedAt', 'appliedBy', 'checksum']),
            ...(row.kind === 'repeatable' && { repeatable: true }),
          }
        : undefined,
    ),
    unfinished: rows
      .filter(({ state }) => state === 'running')
      .map(({ name }) => ({
        key: name ?? '',
        name: name ?? '',
        message: `${name} was begun and not finished: run schemagate up on that ledger.`,
      })),
  }),
}
