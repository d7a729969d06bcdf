// Reads the ledger: which migrations a database has, and what version the ledger itself is of.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { emptiedExpression, notedOnLedger, tablesIn } from '../../gate/protocol/emptied.ts'
import { ledgerTable } from '../../gate/protocol/ledger.ts'
import { isAnyNotedGone, replacedExpression } from '../../gate/protocol/replaced.ts'
import type { Session } from '../postgres/session.ts'
import {
  HiddenLedgerError,
  type LedgerCondition,
  NewerLedgerError,
  readCondition,
  requireOurs,
  requireOwnRows,
  requireReadable,
  withRowSecurity,
} from './condition.ts'
import { currentVersion, firstVersion, versionWith } from './versions.ts'

/** How far a migration that cannot run in one transaction has come, and a row's own history. */
export interface Journal {
  /** What is done: see {@link progressOf}. Empty: nothing. */
  readonly done?: readonly string[]
  /**
   * The step under way that cannot commit together with its journal entry: its number from 0, the checksum of its text,
   * and the `indexes` that were there before it.
   */
  readonly started?: {
    readonly step: number
    /** How many statements of the text precede it; unknown where 0.1 began it. */
    readonly statements?: number
    readonly checksum: string
    readonly indexes?: readonly number[]
  }
  /** How far the batches of a code migration have come, by their names. */
  readonly batches?: Readonly<Record<string, Checkpoint>>
  /** The steps are those of its down part: an interrupted `down`. */
  readonly reverting?: boolean
  /** What the journal said of an interrupted `up` when its `down` began: it says so again if nothing of that is done. */
  readonly interrupted?: Pick<Journal, 'done' | 'started' | 'batches'>
  /** A repeatable migration's earlier contents: apps built with one of them are not wrong. */
  readonly earlier?: readonly string[]
  /** Of a repeatable one whose new content is under way: what its row says again if that comes to nothing. */
  readonly replaced?: { readonly breaking: boolean; readonly applied_at: string }
  /** It was applied after newer ones; where it would stand had it been applied in order: see `latePosition`. */
  readonly late?: number
  /** What an operator did to the row with `repair`. */
  readonly repairs?: readonly unknown[]
}

/** Where one call of `context.batch` stands: it is committed with each batch. */
export interface Checkpoint {
  /** With its schema. */
  readonly table: string
  readonly key: readonly string[]
  /** The key of the last row that is done, as the server writes it in text. */
  readonly after: readonly string[]
  /** Rows that are done. */
  readonly rows: number
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

/** The ledger as it was found. */
export interface LedgerContents {
  /** In the order applied; undefined where there is no ledger yet. */
  readonly rows: LedgerRow[] | undefined
  /** Of the ledger's schema: 0 where there is none, and lower than it was where a table is gone. */
  readonly version: number
  readonly condition: LedgerCondition | undefined
  /** The names of schemas that have nothing of what migrations made in them; null where there is none. */
  readonly emptied: string | null
}

/** The ledger of a database without one. */
export const noLedger: LedgerContents = { rows: undefined, version: 0, condition: undefined, emptied: null }

/**
 * Reads the ledger: the catalogue's word on its tables, then their rows, and whether what they speak of is there.
 * @param anyVersion also a newer release's, for the questions of an app: what it reads keeps its meaning.
 * @throws UsageError if a table of the ledger's name belongs to something else, DeniedError if it may not be read or its rows are
 *   hidden, DivergedError if they are another database's, NewerLedgerError.
 */
export async function readLedger(
  session: Session,
  schema: string,
  { anyVersion = false } = {},
): Promise<LedgerContents> {
  const condition = await readCondition(session, schema)
  if (!condition) return noLedger
  requireOurs(condition)
  const ledger = condition.tables.get('ledger')
  if (!ledger) return { ...noLedger, condition }
  requireReadable(condition)
  requireOwnRows(condition)
  if (ledger.hidden) throw new HiddenLedgerError(schema, ledger.mine, withRowSecurity(condition))
  const versions = condition.tables.get('ledger_version')
  // who was granted no more than the ledger itself, as 0.1 had it, reads that
  const known = versions?.readable && !versions.hidden
  const { rows, version, by } = await selectRows(session, schema, '', known)
  if (version > currentVersion && !anyVersion) throw new NewerLedgerError(schema, version, by)
  return {
    ...{ rows, version: versionWith(condition.tables, version), condition },
    emptied: tablesIn(condition.comment).length > 0 ? await readEmptied(session, condition) : null,
  }
}

async function readEmptied(session: Session, { schema, tables }: LedgerCondition): Promise<string | null> {
  const manifest = tables.get('manifest')
  const anyGone = manifest?.readable && !manifest.hidden ? isAnyNotedGone(schema) : 'false'
  const { rows } = await session.query<{ emptied: string | null; gone: boolean }>(
    `select ${emptiedExpression(notedOnLedger(schema))} as emptied, ${anyGone} as gone`,
  )
  const { emptied, gone } = rows[0]!
  if (emptied !== null || !gone) return emptied
  const asked = await session.query<{ replaced: string | null }>(`select ${replacedExpression(schema)} as replaced`)
  return asked.rows[0]!.replaced
}

/** One row, or undefined. */
export async function readRow(session: Session, schema: string, name: string): Promise<LedgerRow | undefined> {
  const { rows } = await selectRows(session, schema, `where name = ${quoteLiteral(name)}`)
  return rows[0]
}

type SelectedRow = Omit<LedgerRow, 'appliedAt' | 'name'> & {
  readonly name: string | null
  readonly appliedAt: number
  readonly version: number | null
  readonly by: string | null
}

async function selectRows(session: Session, schema: string, where: string, withVersion = false) {
  const s = quoteIdent(schema)
  const newest = withVersion
    ? `(select version, tool_version as by from ${s}.ledger_version order by version desc limit 1)`
    : '(select null::int as version, null as by)'
  const { rows } = await session.query<SelectedRow>(
    `select v.version, v.by, l.* from (select) as one left join ${newest} as v on true left join (
       select name, checksum, position::float8 as position, kind, breaking, state, (extract(epoch from applied_at)::pg_catalog.numeric * 1000::pg_catalog.numeric)::float8 as "appliedAt",
              duration_ms as "durationMs", run_id as "runId", journal
         from ${ledgerTable(schema)} ${where}) as l on true order by position`,
  )
  return {
    version: rows[0]?.version ?? firstVersion,
    by: rows[0]?.by ?? null,
    rows: rows.flatMap(({ version: _, by: __, name, appliedAt, ...row }) =>
      name === null ? [] : [{ ...row, name, appliedAt: new Date(appliedAt) }],
    ),
  }
}
