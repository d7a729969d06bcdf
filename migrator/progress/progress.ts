// How far a migration is that takes long: as fields of a log's line, and in words.

import { formatDuration, formatSeconds } from '../text/durations.ts'
import { escapeControls } from '../text/escape-controls.ts'

/** How far a migration is. Percent and time left are those of its phase: the server tells no total for the whole. */
export interface Progress {
  readonly migration: string
  /** When it began, by `performance.now()`. */
  readonly since: number
  /** Of a migration that runs in steps: the one under way, from 1. */
  readonly step?: { readonly number: number; readonly of: number } | undefined
  /** `CREATE INDEX tickets_org_idx on tickets`, or the beginning of the statement. */
  readonly statement?: string | undefined
  /** In the server's words where it has any: `building index: scanning table`. */
  readonly phase: string
  /** Rounded down to a tenth. Only where there is a total. */
  readonly percent?: number | undefined
  /** Milliseconds, by the rate since the phase was first seen. */
  readonly etaMs?: number | undefined
  readonly rows?: number | undefined
  readonly of?: number | undefined
  /** Of a phase that waits for other transactions: how many have ended, and how many there were. */
  readonly lockersDone?: number | undefined
  readonly lockersTotal?: number | undefined
}

/** Where progress is shown as it comes, in place of lines in the log. */
export interface ProgressDisplay {
  show(progress: Progress): void
  /** There is nothing to show any more. */
  clear(): void
}

/** The fields of a line in the log; `now` by `performance.now()`. */
export function progressFields({ since, migration, ...rest }: Progress, now: number): object {
  return { event: 'progress', migration, elapsedMs: Math.round(now - since), ...rest }
}

/** In one line of words, what matters most first: a terminal may be too narrow for all of it. */
export function describeProgress(progress: Progress, now: number): string {
  const { migration, since, step, statement, phase, percent, etaMs, rows, of, lockersDone, lockersTotal } = progress
  const told = [phase]
  if (percent !== undefined) told.push(`${Math.floor(percent)} %`)
  if (etaMs !== undefined) told.push(`about ${formatSeconds(Math.max(1, Math.round(etaMs / 1_000)))} left`)
  if (rows !== undefined) told.push(`${count(rows)}${of === undefined ? '' : ` of ${count(of)}`} rows`)
  if (lockersTotal !== undefined) told.push(`${lockersDone} of ${lockersTotal} transactions have ended`)
  const parts = [`${migration}: ${formatDuration(now - since)}`]
  if (step) parts.push(`step ${step.number} of ${step.of}`)
  parts.push(told.join(', '))
  if (statement) parts.push(statement)
  return escapeControls(parts.join('; ').replace(/\s+/g, ' '))
}

function count(rows: number): string {
  return rows.toLocaleString('en')
}
