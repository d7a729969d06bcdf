// How far a migration is: from the rows of the server's progress views to percent, time left and words.

import { describe, expect, test } from 'vitest'
import { Estimate } from '../../../migrator/progress/estimate.ts'
import { describeProgress, type Progress, progressFields } from '../../../migrator/progress/progress.ts'
import { readReport } from '../../../migrator/progress/reports.ts'
import type { Report } from '../../../migrator/progress/server.ts'

const report = (view: Report['view'], row: object): Report => ({ view, relation: 'tickets', index: null, ...row })

describe('a row of a progress view', () => {
  test.for<[string, Report, object]>([
    [
      'CREATE INDEX that scans the table',
      report('create_index', {
        ...{ command: 'CREATE INDEX', phase: 'building index: scanning table', index: 'tickets_org_idx' },
        ...{ blocks_done: 30, blocks_total: 120, tuples_done: 0, tuples_total: 0, lockers_done: 0, lockers_total: 0 },
      }),
      { command: 'CREATE INDEX tickets_org_idx on tickets', done: 30, total: 120 },
    ],
    [
      'the first block of that scan, of which the server says that all are done',
      report('create_index', {
        ...{ command: 'CREATE INDEX', phase: 'building index: scanning table', blocks_done: 120, blocks_total: 120 },
      }),
      { command: 'CREATE INDEX on tickets', isNamed: false, done: undefined },
    ],
    [
      'CREATE INDEX that sorts, which has no total',
      report('create_index', {
        ...{ command: 'CREATE INDEX', phase: 'building index: sorting live tuples', tuples_done: 0, tuples_total: 500 },
        ...{ blocks_done: 0, blocks_total: 0 },
      }),
      { phase: 'building index: sorting live tuples', done: undefined },
    ],
    [
      'CREATE INDEX that loads tuples',
      report('create_index', {
        ...{ command: 'REINDEX', phase: 'building index: loading tuples in tree', tuples_done: 100, tuples_total: 500 },
        ...{ blocks_done: 0, blocks_total: 0 },
      }),
      { command: 'REINDEX on tickets', done: 100, total: 500, rows: 100, of: 500 },
    ],
    [
      'CREATE INDEX CONCURRENTLY that waits for others',
      report('create_index', {
        ...{ command: 'CREATE INDEX CONCURRENTLY', phase: 'waiting for writers before build', index: 'i' },
        ...{ lockers_done: 1, lockers_total: 3, blocks_done: 5, blocks_total: 9 },
      }),
      { command: 'CREATE INDEX CONCURRENTLY i on tickets', lockersDone: 1, lockersTotal: 3, done: undefined },
    ],
    [
      'a partitioned table',
      report('create_index', {
        ...{ command: 'CREATE INDEX', phase: 'initializing', partitions_done: 2, partitions_total: 12 },
      }),
      { command: 'CREATE INDEX on tickets (2 of 12 partitions are done)' },
    ],
    [
      'CLUSTER that scans in the order of an index, which has no total',
      report('cluster', {
        ...{ command: 'CLUSTER', phase: 'index scanning heap', index: 'tickets_pkey' },
        ...{ heap_tuples_scanned: 400, heap_tuples_written: 400, heap_blks_total: 0, heap_blks_scanned: 0 },
      }),
      { command: 'CLUSTER tickets using tickets_pkey', done: undefined },
    ],
    [
      'CLUSTER that writes what it has sorted',
      report('cluster', {
        ...{ command: 'CLUSTER', phase: 'writing new heap', heap_tuples_scanned: 400, heap_tuples_written: 100 },
        ...{ heap_blks_total: 10, heap_blks_scanned: 10 },
      }),
      { done: 100, total: 400, rows: 100, of: 400 },
    ],
    [
      'VACUUM FULL',
      report('cluster', {
        ...{ command: 'VACUUM FULL', phase: 'seq scanning heap', heap_blks_total: 10, heap_blks_scanned: 4 },
      }),
      { command: 'VACUUM FULL tickets', done: 4, total: 10 },
    ],
    [
      'REPACK, in which PostgreSQL 19 has what CLUSTER was',
      report('repack', {
        ...{ command: 'REPACK', phase: 'writing new heap', heap_tuples_scanned: 400, heap_tuples_inserted: 100 },
      }),
      { command: 'REPACK tickets', done: 100, total: 400 },
    ],
    [
      'VACUUM that scans',
      report('vacuum', { phase: 'scanning heap', heap_blks_total: 10, heap_blks_scanned: 4, heap_blks_vacuumed: 0 }),
      { command: 'VACUUM tickets', done: 4, total: 10 },
    ],
    [
      'VACUUM of a heap',
      report('vacuum', { phase: 'vacuuming heap', heap_blks_total: 10, heap_blks_scanned: 10, heap_blks_vacuumed: 3 }),
      { done: 3, total: 10 },
    ],
    [
      'VACUUM of indexes, which is counted since PostgreSQL 17',
      report('vacuum', { phase: 'vacuuming indexes', indexes_total: 4, indexes_processed: 1, heap_blks_total: 10 }),
      { done: 1, total: 4 },
    ],
    [
      'VACUUM of indexes before that',
      report('vacuum', { phase: 'vacuuming indexes', heap_blks_total: 10, heap_blks_scanned: 10 }),
      { phase: 'vacuuming indexes', done: undefined },
    ],
    [
      'ANALYZE',
      report('analyze', { phase: 'acquiring sample rows', sample_blks_total: 10, sample_blks_scanned: 4 }),
      { command: 'ANALYZE tickets', done: 4, total: 10 },
    ],
    [
      'COPY from a file',
      report('copy', { command: 'COPY FROM', bytes_processed: 65_536, bytes_total: 262_144, tuples_processed: 900 }),
      { command: 'COPY FROM tickets', phase: 'copying', done: 65_536, total: 262_144, rows: 900, of: undefined },
    ],
    [
      'COPY of what is sent',
      report('copy', { command: 'COPY FROM', bytes_processed: 65_536, bytes_total: 0, tuples_processed: 900 }),
      { done: 65_536, total: 1_000_000, rows: 900 },
    ],
    ['a phase that is not known', report('vacuum', { phase: 'resting', heap_blks_total: 10 }), { phase: 'resting' }],
    ['a row that its reader may not see', report('vacuum', { phase: null }), { phase: 'running', done: undefined }],
  ])('of %s', ([, row, told]) => {
    const read = readReport(row, () => 1_000_000)
    expect(read).toMatchObject(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)))
    for (const [field, value] of Object.entries(told)) if (value === undefined) expect(read).not.toHaveProperty(field)
  })
})

describe('the estimate', () => {
  test('has a percentage at once, and the time left once something was done since the first look', () => {
    const estimate = new Estimate()
    const at = (done: number, now: number) => estimate.see({ phase: 'scan', done, total: 1_000 }, now)
    expect(at(100, 5_000)).toEqual({ percent: 10 })
    expect(at(100, 6_000)).toEqual({ percent: 10 })
    // 300 in 3 s: 600 take 6 s
    expect(at(400, 8_000)).toEqual({ percent: 40, etaMs: 6_000 })
    expect(at(999, 20_000)).toEqual({ percent: 99.9, etaMs: 17 })
  })

  test('begins with each phase, with each table, and with one that begins again', () => {
    const estimate = new Estimate()
    const at = (phase: string, done: number, total: number, now: number) => estimate.see({ phase, done, total }, now)
    at('scan', 0, 100, 0)
    expect(at('scan', 50, 100, 1_000)).toEqual({ percent: 50, etaMs: 1_000 })
    expect(at('load', 50, 100, 2_000)).toEqual({ percent: 50 })
    expect(at('load', 60, 100, 3_000)).toEqual({ percent: 60, etaMs: 4_000 })
    expect(at('load', 60, 200, 4_000)).toEqual({ percent: 30 })
    expect(at('load', 10, 200, 5_000)).toEqual({ percent: 5 })
  })

  test('is never more than all of it', () => {
    const estimate = new Estimate()
    estimate.see({ phase: 'batches', done: 90, total: 100 }, 0)
    expect(estimate.see({ phase: 'batches', done: 140, total: 100 }, 1_000)).toEqual({ percent: 100, etaMs: 0 })
  })
})

describe('in words', () => {
  const told = (progress: Partial<Progress>) =>
    describeProgress({ migration: '0005_index', since: 1_000, phase: 'running', ...progress }, 13_000)

  test.for<[Partial<Progress>, string]>([
    [{}, '0005_index: 12 s; running'],
    [
      { statement: 'CREATE INDEX i on t', phase: 'building index: scanning table', percent: 42.9, etaMs: 16_600 },
      '0005_index: 12 s; building index: scanning table, 42 %, about 17 s left; CREATE INDEX i on t',
    ],
    [
      { phase: 'batches', rows: 120_000, of: 1_000_000, percent: 12, etaMs: 88_000 },
      '0005_index: 12 s; batches, 12 %, about 1 min 28 s left, 120,000 of 1,000,000 rows',
    ],
    [{ phase: 'copying', rows: 95 }, '0005_index: 12 s; copying, 95 rows'],
    [
      { phase: 'waiting for old snapshots', lockersDone: 1, lockersTotal: 3 },
      '0005_index: 12 s; waiting for old snapshots, 1 of 3 transactions have ended',
    ],
    [
      { step: { number: 3, of: 7 }, statement: 'select  1,\n\t2 \u001B[2J' },
      '0005_index: 12 s; step 3 of 7; running; select 1, 2 \\x1b[2J',
    ],
  ])('%o', ([progress, line]) => {
    expect(told(progress)).toBe(line)
  })

  test('and as fields, with the time in milliseconds and without what is unknown', () => {
    const progress = { migration: '0005_index', since: 1_000.4, phase: 'copying', percent: 42.9, rows: 7 }
    expect(progressFields(progress, 13_000)).toEqual({
      ...{ event: 'progress', migration: '0005_index', elapsedMs: 12_000, phase: 'copying', percent: 42.9, rows: 7 },
    })
  })
})
