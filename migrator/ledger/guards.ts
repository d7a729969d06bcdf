// Guards: PL/pgSQL that raises unless a change of the ledger may be made. They stand at the begin of its transaction.
//
// They are short, as all that stands before a migration's own text, of which pg_stat_activity shows the first 1,024 bytes.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { codeOf, ownState } from '../../gate/postgres/sqlstate.ts'
import { ledgerTable } from '../../gate/protocol/ledger.ts'

/** A row of a migration of which a step is done, or one that commits by itself was begun. */
const begunInSteps = `(state = 'running' and (pg_catalog.jsonb_array_length(journal->'done'::text) > 0 or journal ? 'started'::text))`

const ownStates: ReadonlySet<string | undefined> = new Set(Object.values(ownState))
const raised = new WeakSet<Error>()

/** Notes that this error, if it has one of those states, came from a statement of ours, and not from a migration's SQL. */
export function noteRaised(error: unknown): void {
  if (error instanceof Error && ownStates.has(codeOf(error))) raised.add(error)
}

/** The state that a statement of ours has raised. A migration whose own SQL raises such a state has failed, as with any other. */
export function raisedState(error: unknown): string | undefined {
  return error instanceof Error && raised.has(error) ? codeOf(error) : undefined
}

function raise(state: string): string {
  return `raise sqlstate '${state}';`
}

function raiseIf(condition: string, state: string): string {
  return `if ${condition} then ${raise(state)} end if;`
}

/**
 * PL/pgSQL: a statement that changes a row of the ledger, and an error where there was no change. A trigger may keep a row
 * from being written without one (`return new` of a trigger before delete), and so may a rule; and what the migration did
 * would be committed without being recorded.
 * @param name of the row that is changed or deleted, where it is no new one: that it is gone is found by other guards.
 */
export function mustChange(table: string, statement: string, name?: string): string {
  const isKept = name === undefined ? '' : ` and exists (select from ${table} where name = ${quoteLiteral(name)})`
  const message = quoteLiteral(`a trigger or a rule of ${table} keeps its rows from being written`)
  const hint = quoteLiteral(`Drop it, or have it leave that table out; psql shows it: \\d ${table}`)
  return `${statement}; if not found${isKept} then raise sqlstate '${ownState.notWritten}' using message = ${message}, hint = ${hint}; end if;`
}

/** Of a row that is to be forgotten; a repeatable migration's remembers the contents that were, and is written over. */
const forgettable = "journal->'earlier'::text is null"

/** Deletes the row that an earlier run left in state running with no step done: the migration, edited since, begins again. */
export function forgetUnbegun(table: string, name: string): string {
  return (
    `delete from ${table} where name = ${quoteLiteral(name)} and state = 'running' and ${forgettable} ` +
    `and coalesce(pg_catalog.jsonb_array_length(journal->'done'::text), 0) = 0;`
  )
}

/**
 * {@link Guards.notBegun} in SQL.
 * @param name an expression.
 * @param content more that must hold of an applied row for the migration to count as applied.
 */
export function unlessBegun(table: string, name: string, content: string): string {
  const state = `case when state = 'applied'${content} then 'applied' when ${begunInSteps} then 'begun' when state = 'running' then state end`
  const row = `from ${table} where name = ${name}`
  return (
    ` case (select ${state} ${row}) when 'applied' then ${raise(ownState.alreadyApplied)} ` +
    `when 'begun' then ${raise(ownState.begunInSteps)} when 'running' then delete ${row} and ${forgettable}; else null; end case;`
  )
}

/** The guards of one ledger. */
export class Guards {
  readonly #table: string

  constructor(schema: string) {
    this.#table = ledgerTable(schema)
  }

  /** Raises `alreadyApplied` if the migration is applied (with this content, if it is repeatable). */
  notApplied(name: string, repeatableChecksum?: string): string {
    return raiseIf(this.#has(name, ` and state = 'applied'${content(repeatableChecksum)}`), ownState.alreadyApplied)
  }

  /**
   * As {@link notApplied}, for a whole file in one transaction: raises `begunInSteps` if an earlier run began it so. A row that
   * was never begun is deleted; in the guard, where a statement costs nothing until there is such a row.
   */
  notBegun(name: string, repeatableChecksum?: string): string {
    return unlessBegun(this.#table, quoteLiteral(name), content(repeatableChecksum))
  }

  /** Raises nothing: takes away a row that was never begun, for what is recorded behind {@link notApplied}. */
  forgetUnbegun(name: string): string {
    return forgetUnbegun(this.#table, name)
  }

  /** Raises `alreadyApplied` if the migration has no row that could be reverted. */
  hasRow(name: string): string {
    return raiseIf(`not ${this.#has(name)}`, ownState.alreadyApplied)
  }

  /** As {@link hasRow}, for a whole down part in one transaction: raises `begunInSteps` if an earlier run began it so. */
  notBegunReverting(name: string): string {
    return this.hasRow(name) + raiseIf(this.#has(name, ` and ${begunInSteps}`), ownState.begunInSteps)
  }

  /** Raises `overtaken` if the ledger has a row that is none of these. */
  hasOnly(names: readonly string[]): string {
    const known = names.map(quoteLiteral).join(', ')
    return raiseIf(`exists (select from ${this.#table} where name not in (${known}))`, ownState.overtaken)
  }

  /** Raises `journalMoved` unless exactly this is journalled as done. */
  isAt(name: string, done: readonly string[]): string {
    const journal = ` and state = 'running' and coalesce(journal->'done'::text, '[]') = ${quoteLiteral(JSON.stringify(done))}::jsonb`
    return raiseIf(`not ${this.#has(name, journal)}`, ownState.journalMoved)
  }

  #has(name: string, more = ''): string {
    return `exists (select from ${this.#table} where name = ${quoteLiteral(name)}${more})`
  }
}

function content(repeatableChecksum: string | undefined): string {
  return repeatableChecksum === undefined ? '' : ` and checksum = ${quoteLiteral(repeatableChecksum)}`
}
