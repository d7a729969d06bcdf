// Sequelize's and Umzug's history: `SequelizeMeta`, one row for each file.

import { eachApplied, type HistoryTool } from './history.ts'
import { withoutEnding, withoutEndingSql } from './names.ts'

export const sequelize: HistoryTool = {
  name: 'sequelize',
  title: 'Sequelize',
  tables: ['SequelizeMeta'],
  columns: { name: 'text' },
  // which seeders were run, where its command line keeps that
  beside: () => ['SequelizeData'],
  code: true,
  fields: { name: 'name' },
  order: 't.name',
  sql: { key: withoutEndingSql('name') },
  read: rows => ({
    entries: eachApplied(rows, ({ name }) => (name ? { key: withoutEnding(name), name } : undefined)),
    unfinished: [],
  }),
}
