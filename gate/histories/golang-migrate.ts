// golang-migrate's history: `schema_migrations`, one row with the newest number.

import { type HistoryTool, numberKey } from './history.ts'

export const golangMigrate: HistoryTool = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  tables: ['schema_migrations'],
  columns: { version: 'number', dirty: 'boolean' },
  // projects that share a database name one each (x-migrations-table), and a number says nothing of whose it is
  onlyThese: true,
  fields: { version: 'version', dirty: 'dirty' },
  order: 't.version',
  sql: {
    key: 'version::text',
    state:
      "case when dirty then 'unfinished' when version < 0 then null when count(*) over () > 1 then 'applied' else 'up-to' end",
  },
  read(rows) {
    // -1 is written when all was taken back, and stays dirty where that has failed
    const keyed = rows.flatMap(row => {
      const isDirty = row.dirty === 'true'
      const key = numberKey(row.version) ?? (isDirty ? row.version : undefined)
      return key ? [{ key, name: key, isDirty }] : []
    })
    const entries = keyed.flatMap(({ key, name, isDirty }) => (isDirty ? [] : [{ key, name }]))
    // a fork of it (the CLI of Hasura, to its release 1) keeps a row for each, which says nothing of others
    const upTo = rows.length === 1 ? entries[0]?.key : undefined
    return {
      entries,
      unfinished: keyed
        .filter(({ isDirty }) => isDirty)
        .map(({ key, name }) => ({
          key,
          name,
          message: `golang-migrate failed half-way in ${key} (dirty). Put right what it left in the database, then name the version that it has: migrate force VERSION.`,
        })),
      ...(upTo !== undefined && { upTo }),
    }
  },
}
