// What stands around a migration's own SQL, as procedures in the ledger's schema: the server parses and plans them once in a
// session, where a DO block is new to it in every transaction.
//
// Older releases are not concerned, so that the ledger's version is not either: a run that applies something makes what is not
// there as this release has it. A run whose lock is not its session's, as behind a pooler, sends the same statements as text.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { codeOf, ownState, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { ledgerTable } from '../../gate/protocol/ledger.ts'
import { rowsShown } from './condition.ts'
import { mustChange, unlessBegun } from './guards.ts'
import { insertRow, transactionTime } from './insert.ts'
import { givenToOwner } from './owner.ts'
import { ledgerProcedures, parameterTypes } from './table.ts'

type Name = keyof typeof ledgerProcedures
const beginMigration: Name = 'begin_migration'
const recordApplied: Name = 'record_applied'

/** What the catalogue says of the procedures in a schema. */
export interface ProceduresFound {
  /** They are there as this release has them, and belong to this role, or to the owner of the ledger or its schema. */
  readonly ready: boolean
  /** Those that are there, with the types of their parameters, quoted. */
  readonly present: readonly string[]
}

/** A migration whose transaction begins. */
export interface OneMigration {
  readonly name: string
  /** The checksum, of a repeatable one. */
  readonly content?: string | undefined
  /** It is sent before this one of the same run has ended, and is to fail with `outOfTurn` unless that one has committed. */
  readonly after?: string | undefined
}

/**
 * Says which migration of which run was the last that has committed in a session. What is set by a transaction lasts only if
 * that commits, so that this is true whatever became of it: a statement that failed, a text that cannot be parsed, a
 * constraint that is checked at the commit.
 * https://www.postgresql.org/docs/current/sql-set.html
 */
const turn = "'schemagate.applied'"

function endTurn(value: string): string {
  return `perform pg_catalog.set_config(${turn}, ${value}, false);`
}

function outOfTurn(value: string): string {
  return `if ${value} is distinct from pg_catalog.current_setting(${turn}, true) and ${value} is not null then raise sqlstate '${ownState.outOfTurn}'; end if;`
}

interface Procedure {
  readonly name: Name
  readonly source: string
}

/** The calls of these procedures for one ledger, and the statements that make them. */
export class Procedures {
  readonly #schema: string
  readonly #all: readonly Procedure[]

  /** `lock`: PL/pgSQL that makes sure of the run lock on a session that has its key. */
  constructor(schema: string, lock: string) {
    this.#schema = schema
    const table = ledgerTable(schema)
    const { declare, body } = rowsShown(schema)
    const row = {
      ...{ name: '$1', checksum: '$2', kind: '$3', breaking: '$4', state: "'applied'", journal: '$5' },
      ...{ duration_ms: transactionTime, run_id: '$6', tool_version: '$7' },
    }
    this.#all = [
      {
        name: beginMigration,
        source: `begin ${outOfTurn('$3')} ${lock}${unlessBegun(table, '$1', ' and ($2 is null or checksum = $2)')} end`,
      },
      {
        name: recordApplied,
        source: `declare ${declare} begin ${body} ${mustChange(table, insertRow(table, row))} ${endTurn("pg_catalog.concat($6, ' ', $1)")} end`,
      },
    ]
  }

  /**
   * A statement for the begin of a migration's transaction: makes sure of the run lock, and then as `Guards.notBegun`. It is
   * short, since pg_stat_activity shows the first 1,024 bytes of a message, which are to be the migration's.
   */
  beginMigration({ name, content, after }: OneMigration, runId: string): string {
    const turn = after === undefined ? undefined : `${runId} ${after}`
    return this.#call(beginMigration, [
      quoteLiteral(name),
      ...[content, turn].map(text => (text === undefined ? 'null' : quoteLiteral(text))),
    ])
  }

  /**
   * A statement for its end: writes its row, with row level security switched off for the ledger as by {@link rowsShown}.
   * @param values SQL expressions: name, checksum, kind, breaking, journal, run, release.
   */
  recordApplied(values: readonly string[]): string {
    return this.#call(recordApplied, values)
  }

  /** A query for {@link ProceduresFound}. */
  get found(): string {
    const own = this.#all
      .map(({ name }) => `(${quoteLiteral(name)}, ${quoteLiteral(ledgerProcedures[name])})`)
      .join(', ')
    const asMade = this.#all.map(({ name, source }) => `(${quoteLiteral(name)}, ${quoteLiteral(source)})`).join(', ')
    const count = this.#all.length
    return `select pg_catalog.count(*) filter (where p.prokind = 'p' and (p.proname, p.prosrc) in (${asMade})
        and (p.proowner in (n.nspowner, l.relowner) or pg_catalog.pg_get_userbyid(p.proowner) = current_user)) = ${count}
        and pg_catalog.count(*) = ${count} as ready,
      coalesce(pg_catalog.array_agg(pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes))), '{}') as present
    from pg_catalog.pg_namespace n join pg_catalog.pg_proc p on p.pronamespace = n.oid
      and (p.proname, ${parameterTypes}) in (${own})
    left join pg_catalog.pg_class l on l.oid = pg_catalog.to_regclass(${quoteLiteral(ledgerTable(this.#schema))})::pg_catalog.oid
    where n.nspname = ${quoteLiteral(this.#schema)}`
  }

  /** The statements that make them. What is there is dropped: REPLACE would leave it to its owner, who may be a stranger. */
  ddl(present: readonly string[]): string {
    const dropped = present.map(routine => `drop routine ${routine};`)
    const made = this.#all.map(({ name, source }) => {
      const procedure = `${quoteIdent(this.#schema)}.${name}(${ledgerProcedures[name]})`
      return `create procedure ${procedure} language plpgsql as ${quoteLiteral(source)};`
    })
    return [...dropped, ...made, givenToOwner(this.#schema)].join('')
  }

  /** The server does not find one of these, or their schema: whatever was run since they were made has dropped it. */
  isMissing(error: unknown): boolean {
    const { message } = error instanceof Error ? error : { message: '' }
    if (codeOf(error) === sqlstate.undefinedSchema) return message.includes(this.#schema)
    return codeOf(error) === sqlstate.undefinedFunction && this.#all.some(({ name }) => message.includes(`.${name}(`))
  }

  #call(name: Name, values: readonly string[]): string {
    return `call ${quoteIdent(this.#schema)}.${name}(${values.join(', ')});`
  }
}
