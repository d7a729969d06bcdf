// The table `runs`: the statements that record a run, from its begin to its end.

import { doBlock, quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'

/** What is recorded of a run. Times come from the server's clock. */
export interface RunRow {
  readonly id: string
  /** `up`, `down`, ... */
  readonly command: string
  /** Milliseconds since it began. */
  readonly elapsedMs: number
  readonly host: string
  readonly toolVersion: string
  readonly outcome: string
  /** Undefined while it is under way. */
  readonly exitCode?: number
  readonly applied?: number
  /** Without secrets. */
  readonly error?: string
}

/** An error's text may quote a whole statement. */
const longestError = 10_000

/**
 * Writes a run's row, or what became of it. Where that cannot be done (a trigger refuses it, the table is
 * locked), a warning says so and the transaction goes on: a run is not to fail over its own record.
 */
export function recordRun(schema: string, row: RunRow): string {
  const ended = row.exitCode !== undefined
  const error = row.error === undefined ? 'null' : quoteLiteral(asText(row.error))
  const values = [
    quoteLiteral(row.id),
    quoteLiteral(row.command),
    `pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${row.elapsedMs / 1_000})`,
    ended ? 'pg_catalog.clock_timestamp()' : 'null',
    quoteLiteral(row.outcome),
    String(row.exitCode ?? 'null'),
    String(row.applied ?? 0),
    error,
    quoteLiteral(asText(row.host)),
    quoteLiteral(row.toolVersion),
  ]
  return bestEffort(
    `insert into ${quoteIdent(schema)}.runs (run_id, command, started_at, ended_at, outcome, exit_code, applied, error, host, tool_version) ` +
      `values (${values.join(', ')}) on conflict (run_id) do update set ended_at = excluded.ended_at, outcome = excluded.outcome, ` +
      'exit_code = excluded.exit_code, applied = excluded.applied, error = excluded.error;',
  )
}

/**
 * Marks what other runs left in outcome `running`: under the run lock none of them goes on. Behind a pooler one may after
 * all; it writes its own end over this.
 */
export function markInterrupted(schema: string, runId: string): string {
  return bestEffort(
    `update ${quoteIdent(schema)}.runs set outcome = 'interrupted' where outcome = 'running' and run_id <> ${quoteLiteral(runId)};`,
  )
}

function bestEffort(statement: string): string {
  return doBlock(
    `${statement} exception when others then raise warning 'schemagate: could not write to the table runs: %', sqlerrm;`,
  )
}

function asText(text: string): string {
  return text.slice(0, longestError).replaceAll('\0', '').toWellFormed()
}
