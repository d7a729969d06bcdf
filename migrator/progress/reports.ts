// What a row of a progress view means: the command and its object, the phase, and what of the phase is done.

import type { Report } from './server.ts'

/** What a command does, as far as the server tells. */
export interface Reported {
  /** `CREATE INDEX i on t`. */
  readonly command: string
  /** False for what an open transaction has made: the server does not show its name yet. */
  readonly isNamed: boolean
  readonly phase: string
  readonly done?: number
  readonly total?: number
  readonly rows?: number
  readonly of?: number
  readonly lockersDone?: number
  readonly lockersTotal?: number
}

/** The counters of a phase: what is done and how much there is. Other phases have no total. */
const counters: readonly {
  readonly view: Report['view'][]
  readonly phase: RegExp
  readonly unit?: 'rows'
  readonly done: string
  readonly total: string
}[] = [
  { view: ['create_index'], phase: /scanning|^building index$/, done: 'blocks_done', total: 'blocks_total' },
  { view: ['create_index'], phase: /loading tuples/, unit: 'rows', done: 'tuples_done', total: 'tuples_total' },
  { view: ['cluster', 'repack'], phase: /^seq scanning/, done: 'heap_blks_scanned', total: 'heap_blks_total' },
  // what was scanned and sorted is written
  { view: ['cluster'], phase: /^writing/, unit: 'rows', done: 'heap_tuples_written', total: 'heap_tuples_scanned' },
  { view: ['repack'], phase: /^writing/, unit: 'rows', done: 'heap_tuples_inserted', total: 'heap_tuples_scanned' },
  { view: ['vacuum'], phase: /^scanning heap/, done: 'heap_blks_scanned', total: 'heap_blks_total' },
  { view: ['vacuum'], phase: /^vacuuming heap/, done: 'heap_blks_vacuumed', total: 'heap_blks_total' },
  // since PostgreSQL 17
  { view: ['vacuum'], phase: /indexes$/, done: 'indexes_processed', total: 'indexes_total' },
  { view: ['analyze'], phase: /sample rows/, done: 'sample_blks_scanned', total: 'sample_blks_total' },
  { view: ['analyze'], phase: /^computing extended/, done: 'ext_stats_computed', total: 'ext_stats_total' },
  { view: ['copy'], phase: /^copying/, done: 'bytes_processed', total: 'bytes_total' },
]

/** Reads a row. `bytes`: how many COPY FROM STDIN is sent, which the server does not know. */
export function readReport(report: Report, bytes?: () => number): Reported {
  const number = (column: string) => (typeof report[column] === 'number' ? report[column] : undefined)
  const command = nameCommand(report)
  const isNamed = report.relation !== null && (report.view !== 'create_index' || report.index !== null)
  const what = { command, isNamed }
  const phase = report.view === 'copy' ? 'copying' : (report.phase ?? 'running')
  if (/^waiting for/.test(phase)) {
    const [lockersDone, lockersTotal] = [number('lockers_done'), number('lockers_total')]
    return { ...what, phase, ...(lockersDone !== undefined && lockersTotal && { lockersDone, lockersTotal }) }
  }
  const rows = report.view === 'copy' ? number('tuples_processed') : undefined
  const told = { ...what, phase, ...(rows !== undefined && { rows }) }
  const counter = counters.find(one => one.view.includes(report.view) && one.phase.test(phase))
  const done = counter && number(counter.done)
  if (done === undefined) return told
  const total = number(counter!.total) || (report.view === 'copy' ? bytes?.() : undefined)
  // the scan for an index says of its first block that it was the last one; otherwise the phase would be over
  if (!total || done >= total) return told
  return { ...told, done, total, ...(counter!.unit && { rows: done, of: total }) }
}

/** `CREATE INDEX CONCURRENTLY i on t`, `VACUUM t`. */
function nameCommand(report: Report): string {
  const { view, command, relation, index } = report
  const words = [command ?? view.toUpperCase()]
  if (view === 'create_index') {
    if (index) words.push(index)
    if (relation) words.push(`on ${relation}`)
    const of = report.partitions_total
    if (typeof of === 'number' && of > 0) words.push(`(${report.partitions_done} of ${of} partitions are done)`)
  } else {
    if (relation) words.push(relation)
    if (index) words.push(`using ${index}`)
  }
  return words.join(' ')
}
