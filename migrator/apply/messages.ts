// The SQL that stands around a migration's own: limits and guard before it, clean-up and ledger row after it.

import { doBlock, quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { ownState } from '../../gate/postgres/sqlstate.ts'
import { type CreatingOptions, closeStatement, makesSchema, openStatements } from '../app-role/creating.ts'
import { showRows } from '../ledger/condition.ts'
import type { Journal } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { type Setting, setAll } from '../postgres/session-settings.ts'
import { takeForTransaction } from '../run/run-lock-sql.ts'

/** Session settings of one migration; times in milliseconds, 0 for no limit. */
export interface Limits {
  readonly lockTimeout: number
  readonly statementTimeout: number
  /** The session's own settings come first; another one may be connected by the time that they are needed. */
  readonly session: Pick<Session, 'settings' | 'pooled'>
  /** Commit without waiting for the disk: a later commit that waits covers this one, for WAL is in order. */
  readonly asynchronous: boolean
}

/** One statement that sets the limits, for the transaction (`local`) or for the session. */
export function setLimits(limits: Limits, local: boolean): string {
  const settings: Setting[] = [
    // a session of its own has made them once; `pg_stat_activity` shows a message's first kilobyte, which is the file's
    ...(limits.session.pooled ? limits.session.settings.filter(([name]) => name !== 'statement_timeout') : []),
    ['lock_timeout', `${limits.lockTimeout}ms`],
    ['statement_timeout', `${limits.statementTimeout}ms`],
  ]
  if (limits.asynchronous && local) settings.push(['synchronous_commit', 'off'])
  return setAll(settings, local)
}

/**
 * Session settings that a migration made must not outlive it, nor hold for the ledger's own statements. RESET ALL brings
 * back what the role and the database have set, limits meant for apps among it: the session's own settings are made again.
 */
export function resetSession({ settings, pooled }: Pick<Session, 'settings' | 'pooled'>): string {
  return `reset session authorization; reset role; reset all;${setAll(settings, pooled)}`
}

/** Nor what else a session holds: temporary tables and prepared statements, whose names the next one may use too. */
export const leaveNothing = 'discard temp;deallocate all;unlisten *;'

/** The RESET of {@link resetSession} would make the commit wait again. */
export function resumeAsynchronous(limits: Limits): string {
  return limits.asynchronous ? 'set local synchronous_commit = off;' : ''
}

/** Short, as all that stands before a migration's own text, of which pg_stat_activity shows the first 1,024 bytes. */
function raise(state: string): string {
  return `raise sqlstate '${state}';`
}

function raiseIf(condition: string, state: string): string {
  return `if ${condition} then ${raise(state)} end if;`
}

/** A row of a migration of which a step is done, or one that commits by itself was begun. */
const begunInSteps = `(state = 'running' and (pg_catalog.jsonb_array_length(journal->'done') > 0 or journal ? 'started'))`

/** Builds the ledger's statements for one ledger schema and one run. */
export class LedgerMessages {
  readonly #table: string
  /** The channel that gates listen on has the schema's name. */
  readonly #channel: string
  readonly #runId: string
  readonly #toolVersion: string
  /** Before whatever is written behind a migration's SQL: that may have switched row level security on for the ledger, too. */
  readonly #showRows: string
  readonly #late = new Map<string, number>()
  /** Around what a migration makes, for the rights of the app's role. */
  #opening = ''
  #appSchemas: readonly string[] | undefined
  #closing = ''

  /** The statements that take the transaction-level lock, or raise. */
  readonly #lockGuard: () => string

  constructor(schema: string, runId: string, toolVersion: string, lockGuard = () => takeForTransaction(schema)) {
    this.#table = `${quoteIdent(schema)}.ledger`
    this.#showRows = showRows(schema)
    this.#channel = quoteLiteral(schema)
    this.#lockGuard = lockGuard
    this.#runId = quoteLiteral(runId)
    this.#toolVersion = quoteLiteral(toolVersion)
  }

  get #lock(): string {
    return this.#lockGuard()
  }

  /** From here on what a migration makes is given to this app's role, in the migration's own transaction. */
  grantTo(options: CreatingOptions): void {
    this.#appSchemas = options.schemas
    this.#opening = openStatements(options)
    this.#closing = closeStatement(options)
  }

  /** Only the lock: for transactions that make or change the ledger itself. */
  lockGuard(): string {
    return doBlock(this.#lock)
  }

  /** The lock, and: the migration is not applied yet (with this content, if it is repeatable). */
  applyGuard(name: string, repeatableChecksum?: string): string {
    const content = repeatableChecksum === undefined ? '' : ` and checksum = ${quoteLiteral(repeatableChecksum)}`
    const done = `exists (select from ${this.#table} where name = ${quoteLiteral(name)} and state = 'applied'${content})`
    return doBlock(this.#lock + raiseIf(done, ownState.alreadyApplied))
  }

  /**
   * As {@link applyGuard}, for a whole file in one transaction, and: it was not begun in steps.
   * @param sql what the same transaction will run.
   */
  wholeGuard(name: string, repeatableChecksum?: string, sql = ''): string {
    const content = repeatableChecksum === undefined ? '' : ` and checksum = ${quoteLiteral(repeatableChecksum)}`
    return doBlock(
      `${this.#lock} case (select case when state = 'applied'${content} then 'applied' when ${begunInSteps} then 'begun' end ` +
        `from ${this.#table} where name = ${quoteLiteral(name)}) ` +
        `when 'applied' then ${raise(ownState.alreadyApplied)} when 'begun' then ${raise(ownState.begunInSteps)} else null; end case;${makesSchema(sql, this.#appSchemas) ? this.#opening : ''}`,
    )
  }

  /** The lock, and: the migration's row is there, to be reverted. */
  revertGuard(name: string): string {
    const gone = `not exists (select from ${this.#table} where name = ${quoteLiteral(name)})`
    return doBlock(this.#lock + raiseIf(gone, ownState.alreadyApplied))
  }

  /** As {@link revertGuard}, for a whole down part in one transaction, and: that was not begun in steps. */
  wholeRevertGuard(name: string): string {
    const begun = `exists (select from ${this.#table} where name = ${quoteLiteral(name)} and ${begunInSteps})`
    return this.revertGuard(name) + doBlock(raiseIf(begun, ownState.begunInSteps))
  }

  /** The lock, and: exactly this is journalled as done. */
  stepGuard(name: string, done: readonly string[]): string {
    const here =
      `exists (select from ${this.#table} where name = ${quoteLiteral(name)} and state = 'running' ` +
      `and coalesce(journal->'done', '[]') = ${quoteLiteral(JSON.stringify(done))}::jsonb)`
    return doBlock(this.#lock + raiseIf(`not ${here}`, ownState.journalMoved))
  }

  /** The row of this migration, which is applied after newer ones, is to say where it would stand in order. */
  markLate(name: string, position: number): void {
    this.#late.set(name, position)
  }

  /** Records a migration as applied, in place of a row that was never begun; its duration is that of the transaction. */
  recordApplied(row: NewRow): string {
    return `${this.#showRows}${this.forgetUnbegun(row.name)}${this.#insert(row, 'applied', 'null::jsonb', 'extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp()) * 1000')}${this.#onRepeat(row)};${this.#closing}`
  }

  /** Records that a migration is under way which cannot run in one transaction. */
  recordRunning(row: NewRow): string {
    return `${this.#insert(row, 'running', `'{"done": []}'::jsonb`, '0')}${this.#onRepeat(row)};`
  }

  /** Repeatable: what is recorded already stays as it is. */
  recordBaseline(row: Omit<NewRow, 'kind'>): string {
    return `${this.#insert({ ...row, kind: 'baseline' }, 'applied', 'null::jsonb', '0')} on conflict (name) do nothing;`
  }

  #insert(row: NewRow, state: string, journal: string, duration: string): string {
    const values = [row.name, row.checksum, row.kind].map(quoteLiteral)
    const late = this.#late.get(row.name)
    const journalled = late === undefined ? journal : `coalesce(${journal}, '{}') || '{"late": ${late}}'`
    return (
      `insert into ${this.#table} (name, checksum, kind, breaking, state, journal, duration_ms, run_id, tool_version, position) ` +
      `select ${values.join(', ')}, ${row.breaking}, '${state}', ${journalled}, ${duration}, ${this.#runId}, ${this.#toolVersion}, ` +
      `coalesce(max(position), 0) + 1 from ${this.#table}`
    )
  }

  /** A repeatable migration keeps its row, and the row remembers the contents that were. */
  #onRepeat(row: NewRow): string {
    if (row.kind !== 'repeatable') return ''
    return (
      ` on conflict (name) do update set checksum = excluded.checksum, breaking = excluded.breaking, state = excluded.state, ` +
      `applied_at = excluded.applied_at, duration_ms = excluded.duration_ms, run_id = excluded.run_id, ` +
      `tool_version = excluded.tool_version, journal = coalesce(excluded.journal, '{}') || ` +
      `pg_catalog.jsonb_build_object('earlier', coalesce(ledger.journal->'earlier', '[]') || pg_catalog.to_jsonb(ledger.checksum))`
    )
  }

  /** Journals that a step which commits by itself is about to be run. */
  stepStarted(name: string, started: NonNullable<Journal['started']>): string {
    return this.#setJournal(name, `journal || ${quoteLiteral(JSON.stringify({ started }))}::jsonb`)
  }

  /** Journals that a step which commits by itself has failed, and left nothing behind. */
  stepFailed(name: string): string {
    return this.#setJournal(name, `journal - 'started'`)
  }

  /** Journals what is done. */
  stepDone(name: string, done: readonly string[]): string {
    const journal = this.#setJournal(name, `(journal - 'started') || ${quoteLiteral(JSON.stringify({ done }))}::jsonb`)
    return journal + this.#closing
  }

  #setJournal(name: string, expression: string): string {
    return `${this.#showRows}update ${this.#table} set journal = ${expression} where name = ${quoteLiteral(name)};`
  }

  /** The content of a half-applied migration may change in the steps that are not done. */
  setChecksum(name: string, checksum: string): string {
    return `update ${this.#table} set checksum = ${quoteLiteral(checksum)} where name = ${quoteLiteral(name)};`
  }

  /** All steps are done. Only what outlives the run stays in the journal. */
  finish(name: string): string {
    return (
      `${this.#showRows}update ${this.#table} set state = 'applied', run_id = ${this.#runId}, ` +
      `duration_ms = extract(epoch from pg_catalog.clock_timestamp() - applied_at) * 1000, applied_at = pg_catalog.clock_timestamp(), ` +
      `journal = nullif(journal - 'done' - 'started', '{}') where name = ${quoteLiteral(name)};`
    )
  }

  /** A row that an earlier run left in state running with no step done: the migration, edited since, begins anew. */
  forgetUnbegun(name: string): string {
    return (
      `delete from ${this.#table} where name = ${quoteLiteral(name)} and state = 'running' ` +
      `and coalesce(pg_catalog.jsonb_array_length(journal->'done'), 0) = 0;`
    )
  }

  /** A migration that failed with nothing of it done or left behind; a repeatable one is still what it was before. */
  abandon(name: string): string {
    const unbegun = `name = ${quoteLiteral(name)} and state = 'running' and journal->'done' = '[]' and journal->'started' is null`
    return (
      `delete from ${this.#table} where ${unbegun} and journal->'earlier' is null;` +
      `update ${this.#table} set state = 'applied', checksum = journal->'earlier'->>-1, ` +
      `journal = nullif(pg_catalog.jsonb_build_object('earlier', (journal->'earlier') - -1), '{"earlier": []}') where ${unbegun};`
    )
  }

  /** Records that an applied migration is being reverted in steps. */
  recordReverting(name: string): string {
    return `update ${this.#table} set state = 'running', journal = coalesce(journal, '{}') || '{"reverting": true, "done": []}' where name = ${quoteLiteral(name)};`
  }

  /** A revert that failed before anything was done. */
  keepApplied(name: string): string {
    return `update ${this.#table} set state = 'applied', journal = nullif(journal - 'reverting' - 'done', '{}') where name = ${quoteLiteral(name)} and journal->'started' is null;`
  }

  /** Journals that a code migration's `down` is about to be called which commits as it goes. */
  recordRevertingCode(name: string, checksum: string): string {
    return `${this.recordReverting(name)}${this.stepStarted(name, { step: 0, checksum })}`
  }

  /** Takes a file's new content for what was applied; the old checksum stays in the row's journal. Repeatable. */
  acceptEdited(name: string, checksum: string, before: string, breaking: boolean): string {
    const change = `checksum = ${quoteLiteral(checksum)}, breaking = ${breaking}`
    return `update ${this.#table} set ${change}, journal = ${this.#trace('accept-edited', before)} where name = ${quoteLiteral(name)} and checksum = ${quoteLiteral(before)};`
  }

  /** Gives a row its file's new name; the old one stays in the row's journal. Repeatable. */
  rename(before: string, after: string, checksum: string): string {
    const trace = this.#traceEntry('rename', quoteLiteral(checksum), `'migration', name, `)
    return `update ${this.#table} set name = ${quoteLiteral(after)}, journal = ${this.#addRepairs(trace)} where name = ${quoteLiteral(before)};`
  }

  /** Puts a row where the ones that it replaces stood. Repeatable, once their positions are free. */
  setPosition(name: string, position: number): string {
    return `update ${this.#table} set position = ${position} where name = ${quoteLiteral(name)};`
  }

  /**
   * Removes rows. A forgotten row can hold no trace: its own and this one go to the newest row that is left, which may be
   * forgotten later in its turn; or to the row that stands in for them. Repeatable.
   */
  forgetMissing(names: readonly string[], replacement?: string): string {
    const these = `name in (${names.map(quoteLiteral).join(', ')})`
    const trace = this.#traceEntry(
      replacement === undefined ? 'forget-missing' : 'replace-missing',
      'checksum',
      `'migration', name, `,
    )
    const holder =
      replacement === undefined
        ? `position = (select max(position) from ${this.#table} where not ${these})`
        : `name = ${quoteLiteral(replacement)}`
    return (
      `with forgotten as (delete from ${this.#table} where ${these} returning name, checksum, position, journal), ` +
      `traces as (select pg_catalog.jsonb_path_query_array(pg_catalog.jsonb_agg(coalesce(journal->'repairs', '[]') || ${trace} order by position), '$[*][*]') as entries from forgotten) ` +
      `update ${this.#table} set journal = ${this.#addRepairs('entries')} from traces ` +
      `where ${holder} and entries is not null;`
    )
  }

  #trace(action: string, checksum: string): string {
    return this.#addRepairs(this.#traceEntry(action, quoteLiteral(checksum)))
  }

  /** The journal with more entries, an array, behind its `repairs`. */
  #addRepairs(entries: string): string {
    return `coalesce(journal, '{}') || pg_catalog.jsonb_build_object('repairs', coalesce(journal->'repairs', '[]') || ${entries})`
  }

  /** What was done to a row; `checksum` is an expression, `more` are arguments of jsonb_build_object. */
  #traceEntry(action: string, checksum: string, more = ''): string {
    return (
      `pg_catalog.jsonb_build_object('action', ${quoteLiteral(action)}, 'checksum', ${checksum}, ${more}` +
      `'at', pg_catalog.clock_timestamp(), 'by', session_user, 'run', ${this.#runId})`
    )
  }

  /** Tells the gates something, when the transaction commits. */
  notify(event: Readonly<Record<string, string | null>>): string {
    return `select pg_catalog.pg_notify(${this.#channel}, ${quoteLiteral(JSON.stringify(event))});`
  }

  remove(name: string): string {
    return `${this.#showRows}delete from ${this.#table} where name = ${quoteLiteral(name)};`
  }
}

/** What is recorded of a migration. */
export interface NewRow {
  readonly name: string
  readonly checksum: string
  readonly kind: 'sql' | 'code' | 'repeatable' | 'baseline'
  readonly breaking: boolean
}
