// Play's history: `play_evolutions`, one row for each evolution, with its state.

import { eachApplied, type HistoryTool, numberKey, present } from './history.ts'

export const play: HistoryTool = {
  name: 'play',
  title: 'Play',
  tables: ['play_evolutions'],
  columns: { id: 'number', hash: 'text', apply_script: 'text', state: 'text', last_problem: 'text' },
  distinctive: true,
  beside: table => [`${table}_lock`],
  fields: { id: 'id', checksum: 'hash', appliedAt: 'applied_at', state: 'state', problem: 'last_problem' },
  order: 't.id',
  sql: { key: 'id::text', state: "case state when 'applied' then 'applied' else 'unfinished' end" },
  read: rows => ({
    entries: eachApplied(rows, row => {
      const key = numberKey(row.id)
      return key !== undefined && row.state === 'applied'
        ? { key, name: key, ...present(row, ['appliedAt', 'checksum']) }
        : undefined
    }),
    unfinished: rows
      .filter(({ state }) => state !== 'applied')
      .map(({ id, state, problem }) => ({
        key: numberKey(id) ?? '',
        name: id ?? '',
        message: `Play stopped in evolution ${id} (${state}${problem ? `: ${problem}` : ''}). Put right what it left in the database, and mark it resolved: /@evolutions/resolve/default/${id}.`,
      })),
  }),
}
