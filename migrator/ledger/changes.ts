// Changes of the ledger: the statements that write them, and what is to be found in the ledger once they are committed.

import { doBlock, quoteLiteral } from '../../gate/postgres/quote.ts'
import { ledgerTable } from '../../gate/protocol/ledger.ts'
import { type Notification, notifySql } from '../../gate/protocol/notifications.ts'
import { rowsShown } from './condition.ts'
import type { Expectation, Expected } from './expectations.ts'
import { forgetUnbegun, mustChange } from './guards.ts'
import { insertRow, transactionTime } from './insert.ts'
import { doneBatches } from './journal.ts'
import type { Procedures } from './procedures.ts'
import type { Checkpoint, Journal } from './read.ts'
import { addRepairs, repairEntry } from './repairs.ts'

/** Made by {@link Changes}, written by `Ledger.write` or with a migration's transaction. */
export interface Change {
  readonly statements: string
  readonly expected: Expected
}

/** What is recorded of a migration. */
export interface NewRow {
  readonly name: string
  readonly checksum: string
  readonly kind: 'sql' | 'code' | 'repeatable' | 'baseline'
  readonly breaking: boolean
}

/** What a row that records another tool's migration says as well; `appliedAt` is ISO 8601. */
export interface Origin {
  readonly appliedAt?: string | undefined
  readonly appliedBy?: string | undefined
}

/** Statements that write another tool's history in the same transaction, by a migration's name. */
export interface OtherHistory {
  applied(name: string): string
  reverted(name: string): string
}

/** What a migration's own transaction does for the rights of the app's role. */
export interface Grants {
  /** PL/pgSQL that stands before this SQL. */
  before(sql: string): string
  /** Statements that stand behind what a migration has made. */
  readonly after: string
}

const noGrants: Grants = { before: () => '', after: '' }

const nothing: Expected = new Map()

/** Makes the changes of one run. */
export class Changes {
  /** What migrations make is given to the app's role from here on. */
  grants: Grants = noGrants
  /** The server's own, of which use is made once they are there. */
  procedures: Procedures | undefined
  /** The history of a tool that was adopted and is kept. */
  otherHistory: OtherHistory = { applied: () => '', reverted: () => '' }
  readonly #table: string
  readonly #schema: string
  readonly #runId: string
  readonly #toolVersion: string
  readonly #late = new Map<string, number>()

  constructor(schema: string, runId: string, toolVersion: string) {
    this.#table = ledgerTable(schema)
    this.#schema = schema
    this.#runId = quoteLiteral(runId)
    this.#toolVersion = quoteLiteral(toolVersion)
  }

  /** The row of this migration, which is applied after newer ones, is to say where it would stand in order. */
  markLate(name: string, position: number): void {
    this.#late.set(name, position)
  }

  /** A migration is applied; its duration is that of the transaction, whose guard has taken away a row that was never begun. */
  applied(row: NewRow): Change {
    const insert = this.#insert(row, { state: 'applied', journal: 'null::jsonb', duration: transactionTime })
    const written = this.#recordApplied(row) ?? this.#written(`${insert}${this.#onRepeat(row)}`)
    return change(`${written}${this.otherHistory.applied(row.name)}${this.grants.after}`, row.name, {
      checksum: row.checksum,
      applied: true,
    })
  }

  /** The call of a procedure that writes the row of a migration that is run once; undefined where there is none. */
  #recordApplied({ name, checksum, kind, breaking }: NewRow): string | undefined {
    if (!this.procedures || kind === 'repeatable') return undefined
    const late = this.#late.get(name)
    const texts = [name, checksum, kind].map(quoteLiteral)
    const journal = late === undefined ? 'null' : `'{"late": ${late}}'`
    return this.procedures.recordApplied([...texts, `${breaking}`, journal, this.#runId, this.#toolVersion])
  }

  /** A migration that cannot run in one transaction is under way; it takes the place of a row that was never begun. */
  running(row: NewRow, onConflict = this.#onRepeat(row)): Change {
    const insert = this.#insert(row, { state: 'running', journal: `'{"done": []}'::jsonb`, duration: '0' })
    return change(`${forgetUnbegun(this.#table, row.name)}${this.#written(insert + onConflict)}`, row.name, {
      checksum: row.checksum,
      applied: false,
    })
  }

  /** A code migration that commits as it goes is about to be called; its batches that are done stay so. */
  runningCode(row: NewRow): Change {
    return this.running(
      row,
      ' on conflict (name) do update set checksum = excluded.checksum, breaking = excluded.breaking',
    )
  }

  /** A migration counts as applied without having been run. Repeatable: what is recorded already stays as it is. */
  baseline({ repeatable, ...row }: Omit<NewRow, 'kind'> & { repeatable?: boolean }, origin: Origin = {}): Change {
    const kind = repeatable ? 'repeatable' : 'baseline'
    const insert = this.#insert(
      { ...row, kind },
      { state: 'applied', journal: 'null::jsonb', duration: '0', ...origin },
    )
    return change(`${insert} on conflict (name) do nothing;`, row.name, { checksum: row.checksum, applied: true })
  }

  /** A step that commits by itself is about to be run. */
  stepStarted(name: string, started: NonNullable<Journal['started']>): Change {
    return this.#journalled(name, `journal || ${quoteLiteral(JSON.stringify({ started }))}::jsonb`)
  }

  /** A step that commits by itself has failed, and left nothing behind. */
  stepFailed(name: string): Change {
    return this.#journalled(name, `journal - 'started'::text`)
  }

  /** A step is done. */
  stepDone(name: string, done: readonly string[]): Change {
    const journal = `(journal - 'started'::text) || ${quoteLiteral(JSON.stringify({ done }))}::jsonb`
    return statementsOnly(this.#journalled(name, journal).statements + this.grants.after)
  }

  /** A batch is done, the `count`-th of its migration. */
  batchDone(name: string, count: number, batch: string, checkpoint: Checkpoint): Change {
    const done = quoteLiteral(JSON.stringify({ done: doneBatches(count) }))
    const batches = quoteLiteral(JSON.stringify({ [batch]: checkpoint }))
    return this.#journalled(
      name,
      `journal || ${done}::jsonb || pg_catalog.jsonb_build_object('batches', coalesce(journal->'batches'::text, '{}') || ${batches}::jsonb)`,
    )
  }

  /** The content of a half-applied migration has changed in steps that are not done. */
  newContent(name: string, checksum: string): Change {
    return change(
      `update ${this.#table} set checksum = ${quoteLiteral(checksum)} where name = ${quoteLiteral(name)};`,
      name,
      { checksum, applied: false },
    )
  }

  /** A migration that was `running` is applied. Only what outlives the run stays in the journal. */
  finished(name: string, checksum: string): Change {
    return change(
      this.#written(
        `update ${this.#table} set state = 'applied', run_id = ${this.#runId}, ` +
          `duration_ms = extract(epoch from pg_catalog.clock_timestamp() - applied_at)::pg_catalog.numeric * 1000::pg_catalog.numeric, applied_at = pg_catalog.clock_timestamp(), ` +
          `journal = nullif(journal - '{done,started,batches,replaced}'::text[], '{}') where name = ${quoteLiteral(name)}`,
        name,
      ) + this.otherHistory.applied(name),
      name,
      { checksum, applied: true },
    )
  }

  /** A migration failed with nothing of it done or left behind; a repeatable one is still what it was before. */
  abandoned(name: string): Change {
    const unbegun = `name = ${quoteLiteral(name)} and state = 'running' and journal->'done'::text = '[]' and journal->'started'::text is null`
    return change(
      `delete from ${this.#table} where ${unbegun} and journal->'earlier'::text is null;` +
        `update ${this.#table} set state = 'applied', checksum = journal->'earlier'::text->>-1, ` +
        `breaking = coalesce((journal->'replaced'::text->>'breaking'::text)::boolean, breaking), ` +
        `applied_at = coalesce((journal->'replaced'::text->>'applied_at'::text)::timestamptz, applied_at), ` +
        `journal = nullif(pg_catalog.jsonb_build_object('earlier', (journal->'earlier'::text) - -1), '{"earlier": []}') where ${unbegun};`,
      name,
      'anything',
    )
  }

  /**
   * A migration is being reverted, in steps, or after running apps have disconnected. How far an interrupted `up` of it had
   * come is set aside: it is not how far its `down` has come. Repeatable.
   */
  reverting(name: string): Change {
    const set = ['done', 'started', 'batches'].map(key => `'${key}', journal->'${key}'::text`).join(', ')
    const aside = `case state when 'running' then pg_catalog.jsonb_build_object('interrupted', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(${set}))) else '{}' end`
    const begun = `coalesce(journal, '{}') - '{done,started,batches}'::text[] || ${aside} || '{"reverting": true, "done": []}'`
    return change(
      this.#written(
        `update ${this.#table} set state = 'running', journal = case when journal ? 'reverting'::text then journal else ${begun} end where name = ${quoteLiteral(name)}`,
        name,
      ),
      name,
      'reverting',
    )
  }

  /** A code migration's `down` that commits as it goes is about to be called. */
  revertingCode(name: string, checksum: string): Change {
    const { statements, expected } = this.reverting(name)
    return { statements: statements + this.stepStarted(name, { step: 0, checksum }).statements, expected }
  }

  /** A revert failed, or was given up, before anything was done: the row says again what it said before. */
  notReverted(name: string): Change {
    const before = `(journal - '{reverting,done,interrupted}'::text[]) || coalesce(journal->'interrupted'::text, '{}')`
    return change(
      `update ${this.#table} set state = case when journal ? 'interrupted'::text then 'running' else 'applied' end, journal = nullif(${before}, '{}') ` +
        `where name = ${quoteLiteral(name)} and journal ? 'reverting'::text and journal->'done'::text = '[]' and journal->'started'::text is null;`,
      name,
      'anything',
    )
  }

  /** A migration is reverted. */
  reverted(name: string): Change {
    const row = this.#written(`delete from ${this.#table} where name = ${quoteLiteral(name)}`, name)
    return change(`${row}${this.otherHistory.reverted(name)}`, name, 'gone')
  }

  /** A file's new content is what was applied; the old checksum stays in the row's journal. Repeatable. */
  editAccepted(name: string, checksum: string, before: string, breaking: boolean): Change {
    const journal = addRepairs(repairEntry('accept-edited', quoteLiteral(before), this.#runId))
    return change(
      `update ${this.#table} set checksum = ${quoteLiteral(checksum)}, breaking = ${breaking}, journal = ${journal} ` +
        `where name = ${quoteLiteral(name)} and checksum = ${quoteLiteral(before)};`,
      name,
      'anything',
    )
  }

  /** A row has its file's new name; the old one stays in the row's journal. Repeatable. */
  renamed(before: string, after: string, checksum: string): Change {
    const journal = addRepairs(repairEntry('rename', quoteLiteral(checksum), this.#runId, 'name'))
    return {
      statements: `update ${this.#table} set name = ${quoteLiteral(after)}, journal = ${journal} where name = ${quoteLiteral(before)};`,
      expected: new Map([before, after].map(name => [name, 'anything'])),
    }
  }

  /** A row stands where the ones that it replaces stood. Repeatable, once their positions are free. */
  moved(name: string, position: number): Change {
    return statementsOnly(`update ${this.#table} set position = ${position} where name = ${quoteLiteral(name)};`)
  }

  /**
   * Rows without files are removed. A removed row can hold no trace: its own and this one go to the newest row that is left,
   * which may be removed later in its turn; or to `replacement`, the row that stands in for them. Repeatable.
   */
  forgotten(names: readonly string[], replacement?: string): Change {
    const these = `name in (${names.map(quoteLiteral).join(', ')})`
    const action = replacement === undefined ? 'forget-missing' : 'replace-missing'
    const trace = repairEntry(action, 'checksum', this.#runId, 'name')
    const holder =
      replacement === undefined
        ? `position = (select pg_catalog.max(position) from ${this.#table} where not ${these})`
        : `name = ${quoteLiteral(replacement)}`
    return {
      statements:
        `with forgotten as (delete from ${this.#table} where ${these} returning name, checksum, position, journal), ` +
        `traces as (select pg_catalog.jsonb_path_query_array(pg_catalog.jsonb_agg(coalesce(journal->'repairs'::text, '[]') || ${trace} order by position), '$[*][*]') as entries from forgotten) ` +
        `update ${this.#table} set journal = ${addRepairs('entries')} from traces ` +
        `where ${holder} and entries is not null;`,
      expected: new Map(names.map(name => [name, 'anything'])),
    }
  }

  /** The gates are notified when the transaction commits. */
  notified(notification: Notification): Change {
    return statementsOnly(notifySql(this.#schema, notification))
  }

  #insert(row: NewRow, { state, journal, duration, appliedAt, appliedBy }: NewValues): string {
    const late = this.#late.get(row.name)
    return insertRow(this.#table, {
      name: quoteLiteral(row.name),
      checksum: quoteLiteral(row.checksum),
      kind: quoteLiteral(row.kind),
      breaking: `${row.breaking}`,
      state: quoteLiteral(state),
      journal: late === undefined ? journal : `coalesce(${journal}, '{}') || '{"late": ${late}}'`,
      duration_ms: duration,
      run_id: this.#runId,
      tool_version: this.#toolVersion,
      ...(appliedAt === undefined ? {} : { applied_at: `${quoteLiteral(appliedAt)}::timestamptz` }),
      ...(appliedBy === undefined ? {} : { applied_by: quoteLiteral(appliedBy) }),
    })
  }

  /** A repeatable migration keeps its row, and the row remembers the contents that were. */
  #onRepeat(row: NewRow): string {
    if (row.kind !== 'repeatable') return ''
    // of one that is under way the content that was is among the earlier ones already
    const earlier = `coalesce(ledger.journal->'earlier'::text, '[]') || case ledger.state when 'applied' then pg_catalog.to_jsonb(ledger.checksum) else '[]' end`
    const replaced = `case ledger.state when 'applied' then pg_catalog.jsonb_build_object('breaking', ledger.breaking, 'applied_at', ledger.applied_at) else ledger.journal->'replaced'::text end`
    return (
      ` on conflict (name) do update set checksum = excluded.checksum, breaking = excluded.breaking, state = excluded.state, ` +
      `applied_at = excluded.applied_at, duration_ms = excluded.duration_ms, run_id = excluded.run_id, ` +
      `tool_version = excluded.tool_version, journal = coalesce(excluded.journal, '{}') || pg_catalog.jsonb_build_object('earlier', ${earlier}) || ` +
      `case excluded.state when 'running' then pg_catalog.jsonb_build_object('replaced', ${replaced}) else '{}' end`
    )
  }

  #journalled(name: string, journal: string): Change {
    return statementsOnly(
      this.#written(`update ${this.#table} set journal = ${journal} where name = ${quoteLiteral(name)}`, name),
    )
  }

  /** A change of a row that stands behind a migration's SQL, which may have switched row level security on for the ledger. */
  #written(statement: string, name?: string): string {
    const { declare, body } = rowsShown(this.#schema)
    return doBlock(`${body} ${mustChange(this.#table, statement, name)}`, declare)
  }
}

/** More of a new row; journal and duration are SQL expressions. */
interface NewValues extends Origin {
  readonly state: 'applied' | 'running'
  readonly journal: string
  readonly duration: string
}

/** A change of which no migration's row is part. */
export function statementsOnly(statements: string): Change {
  return { statements, expected: nothing }
}

function change(statements: string, name: string, expectation: Expectation): Change {
  return { statements, expected: new Map([[name, expectation]]) }
}
