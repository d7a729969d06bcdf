// Reads the ledger: which migrations a database has.

import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

/** How far a migration that cannot run in one transaction has come, and a row's own history. */
export interface Journal {
  /** Checksums of the steps that are done, in order. */
  readonly done?: readonly string[]
  /**
   * The step under way that cannot commit together with its journal entry: its number from 0, the checksum of its text,
   * and the `indexes` that were there before it.
   */
  readonly started?: { readonly step: number; readonly checksum: string; readonly indexes?: readonly number[] }
  /** The steps are those of its down part: an interrupted `down`. */
  readonly reverting?: boolean
  /** A repeatable migration's earlier contents: apps built with one of them are not wrong. */
  readonly earlier?: readonly string[]
  /** It was applied after newer ones; where it would stand had it been applied in order: see `latePosition`. */
  readonly late?: number
  /** What an operator did to the row with `repair`. */
  readonly repairs?: readonly unknown[]
}

export interface LedgerRow {
  readonly name: string
  readonly checksum: string
  readonly position: number
  readonly kind: 'sql' | 'code' | 'repeatable' | 'baseline'
  readonly breaking: boolean
  readonly state: 'applied' | 'running'
  readonly appliedAt: Date
  readonly durationMs: number
  readonly runId: string
  readonly journal: Journal | null
}

/** The ledger's rows in the order applied; undefined where there is no ledger yet. */
export async function readLedger(session: Session, schema: string): Promise<LedgerRow[] | undefined> {
  const table = `${quoteIdent(schema)}.ledger`
  const exists = await session.query<{ exists: boolean }>(
    `select pg_catalog.to_regclass(${quoteLiteral(table)}) is not null as exists`,
  )
  if (!exists.rows[0]!.exists) return undefined
  return selectRows(session, table, '')
}

/** One row, or undefined. */
export async function readRow(session: Session, schema: string, name: string): Promise<LedgerRow | undefined> {
  const rows = await selectRows(session, `${quoteIdent(schema)}.ledger`, `where name = ${quoteLiteral(name)}`)
  return rows[0]
}

async function selectRows(session: Session, table: string, where: string): Promise<LedgerRow[]> {
  const { rows } = await session.query<Omit<LedgerRow, 'appliedAt'> & { appliedAt: number }>(
    `select name, checksum, position::float8 as position, kind, breaking, state, (extract(epoch from applied_at) * 1000)::float8 as "appliedAt",
            duration_ms as "durationMs", run_id as "runId", journal
       from ${table} ${where} order by position`,
  )
  return rows.map(row => ({ ...row, appliedAt: new Date(row.appliedAt) }))
}
