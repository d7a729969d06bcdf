// Reads the ledger over a session and compares it with the manifest, again only after it has changed.

import { askAgain, lookAround } from '../histories/index.ts'
import { missingTableCodes, sqlstate } from '../postgres/sqlstate.ts'
import { judge, type Verdict } from '../protocol/compatibility.ts'
import { emptiedExpression, type FilledSchema, notedOnLedger, tablesIn, unlessEmptied } from '../protocol/emptied.ts'
import { type LedgerRow, ledgerTable } from '../protocol/ledger.ts'
import type { LedgerManifest } from '../protocol/manifest.ts'
import { isAnyNotedGone, presentOids, replacedExpression } from '../protocol/replaced.ts'
import { subscribedVerdict } from '../protocol/subscribed.ts'
import { LedgerFence, LOCKED } from './ledger-fence.ts'
import { type LookRow, lookSql, type RowsRow, rowsSql, sqlState } from './ledger-query.ts'
import type { Queryable } from './queryable.ts'
import type { Reading, SchemaReader } from './schema-reader.ts'

/**
 * The verdict on a ledger without its primary key. A restore in several transactions drops the keys of all tables before
 * the tables, and adds them after the rows: in between the rows say nothing about the schema.
 */
const INCOMPLETE: Verdict = {
  state: 'migrating',
  detail: 'The ledger has no primary key: it is being restored, or was restored in part and has to be restored again.',
}

/** Rows that are missing may only be hidden: to this role, an empty ledger looks the same. */
function mayBeHidden(verdict: Verdict, schema: string): Verdict {
  if (verdict.missing === undefined) return verdict
  const detail =
    `Row level security on the ledger hides rows from this app's role (alter table ${ledgerTable(schema)} disable row level security, ` +
    `or run schemagate up). What it sees: ${verdict.detail}`
  return { ...verdict, detail }
}

/** What the tables of the migrations are, or were. */
interface Tables {
  readonly tables: readonly FilledSchema[]
  readonly emptied: string | null
}

/** Reads the ledger in one schema for one manifest. */
export class LedgerReader implements SchemaReader {
  readonly fence: LedgerFence
  readonly #manifest: LedgerManifest
  readonly #schema: string
  /** The last ledger that was compared. */
  #seen: { readonly version: string | undefined; readonly reading: Reading; readonly tables: readonly FilledSchema[] }

  constructor(manifest: LedgerManifest, schema: string) {
    this.#manifest = manifest
    this.#schema = schema
    this.fence = new LedgerFence(schema)
    this.#seen = { version: undefined, reading: { verdict: judge(manifest, null), databaseHead: null }, tables: [] }
  }

  async read(session: Queryable, also: string): Promise<Reading> {
    // Queries over several connections, perhaps to several databases, may run at once: "nothing has changed" refers to
    // what was known when this one was sent.
    const seen = this.#seen
    try {
      let row = (await askAgain<LookRow>(session, lookSql(this.#schema, seen.tables, also)))[0]!
      let { reading } = seen
      let emptied: string | null = null
      if (row.whole && (row.version !== seen.version || !row.standing)) {
        const withRows = (await session.query<RowsRow>(rowsSql(this.#schema, also)))[0]!
        row = withRows
        const found = await this.#tables(session, withRows)
        emptied = found.emptied
        // that they are back shows in no version
        reading = this.#judge(emptied === null ? row.version : undefined, JSON.parse(withRows.rows), found.tables)
      }
      if (row.subscribed) return this.#subscribed(row)
      const version = emptied === null ? row.version : `${row.version} ${emptied}`
      const answer = { version, ...(row.also !== null && { also: row.also }) }
      if (!row.whole) return { verdict: INCOMPLETE, databaseHead: undefined, ...answer }
      const { verdict } = reading
      const told = row.hidden ? mayBeHidden(verdict, this.#schema) : await this.#foreign(session, verdict)
      return { ...reading, verdict: unlessEmptied(told, emptied, this.#schema), ...answer }
    } catch (error) {
      const code = sqlState(error)
      if (code === sqlstate.lockNotAvailable) return { verdict: LOCKED, databaseHead: undefined }
      if (code === undefined || !missingTableCodes.has(code)) throw error
      const reading = this.#judge(undefined, null)
      return { ...reading, verdict: await this.#foreign(session, reading.verdict) }
    }
  }

  sessionsEnded(): void {
    this.fence.lost()
    // after a crash the transaction and the place of a lost row are given out again
    this.#seen = { ...this.#seen, version: undefined }
  }

  /** Without a version: what the rows say does not matter. */
  #subscribed({ also }: LookRow): Reading {
    const verdict = subscribedVerdict(ledgerTable(this.#schema))
    return { verdict, databaseHead: undefined, ...(also !== null && { also }) }
  }

  /** Where nothing is applied: has another tool migrated the database? Its rows may not be for this role to read. */
  async #foreign(session: Queryable, verdict: Verdict): Promise<Verdict> {
    if (verdict.state !== 'unmigrated') return verdict
    const found = await lookAround(session, this.#schema)
    // another ledger may be a copy of this one, on its way back
    const histories = found.histories.filter(({ tool }) => tool.name !== 'schemagate')
    if (histories.length === 0) return verdict
    const tools = histories.map(({ tool, schema, table }) => `${tool.title} (${schema}.${table})`).join(' and ')
    const followed = histories.find(({ tool }) => !tool.unread)
    const build = followed
      ? `, or build the app with a manifest of that tool (schemagate manifest --follow ${followed.tool.name})`
      : ''
    const detail = `The ledger is empty, and the database has the history of ${tools}: take it over (schemagate adopt)${build}.`
    return { ...verdict, state: 'foreign', detail }
  }

  /** Tables that are to be there, and the schemas that have nothing of what migrations made in them. */
  async #tables(session: Queryable, { comment, informed }: RowsRow): Promise<Tables> {
    const tables = tablesIn(comment)
    if (tables.length === 0) return { tables, emptied: null }
    const [present, anyGone] = informed ? [presentOids(this.#schema), isAnyNotedGone(this.#schema)] : ['null', 'false']
    const [answer] = await session.query<{ emptied: string | null; present: string | null; gone: boolean }>(
      `select ${emptiedExpression(notedOnLedger(this.#schema))} as emptied, ${present}::pg_catalog.text as present, ${anyGone} as gone`,
    )
    const oids: Readonly<Record<string, readonly number[] | null>> = JSON.parse(answer!.present ?? '{}')
    const emptied = answer!.emptied ?? (answer!.gone ? await this.#replaced(session) : null)
    return { tables: tables.map(table => ({ ...table, oids: oids[table.schema] ?? [] })), emptied }
  }

  async #replaced(session: Queryable): Promise<string | null> {
    const [answer] = await session.query<{ replaced: string | null }>(
      `select ${replacedExpression(this.#schema)} as replaced`,
    )
    return answer!.replaced
  }

  /** @param rows null where there is no ledger. */
  #judge(
    version: string | undefined,
    rows: readonly LedgerRow[] | null,
    tables: readonly FilledSchema[] = [],
  ): Reading {
    const applied = (rows ?? []).filter(row => row.state === 'applied' && row.kind !== 'repeatable')
    const reading = { verdict: judge(this.#manifest, rows), databaseHead: applied.at(-1)?.name ?? null }
    this.#seen = { version, reading, tables }
    return reading
  }
}
