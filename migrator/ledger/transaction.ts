// A transaction that changes the ledger: begun with its guard, sent in one message or several, expected from its commit on.

import { doBlock } from '../../gate/postgres/quote.ts'
import { codeOf, isConnectionLoss, ownState } from '../../gate/postgres/sqlstate.ts'
import { statementAt } from '../postgres/failed-statement.ts'
import { discardSession, type Limits, resetSession, resumeAsynchronous, setLimits } from '../postgres/limits.ts'
import type { Script } from '../postgres/script.ts'
import type { Session } from '../postgres/session.ts'
import { split } from '../sql/split.ts'
import type { Change } from './changes.ts'
import type { Expectations, InFlight } from './expectations.ts'
import { noteRaised } from './guards.ts'

/** What stands around the SQL of a transaction. */
export interface Around {
  /** Modes of its BEGIN, as `isolation level serializable`. */
  readonly modes?: string | undefined
  readonly limits?: Limits | undefined
  /** Statements before the guard, with their semicolons; each item is one. */
  readonly beforeGuard?: readonly string[]
  /** PL/pgSQL that raises unless the changes may be made. */
  readonly guard?: string | undefined
  /** Statements after the guard, with their semicolons; each item is one. */
  readonly afterGuard?: readonly string[]
  /** Statements directly behind the caller's SQL. */
  readonly behind?: string
  /** Undo what a migration's SQL has set in the session before the changes are written. */
  readonly reset?: boolean
  /** Remove, after the changes, what else a migration's SQL leaves in the session. */
  readonly discard?: boolean
}

/** A message that was sent. */
export interface Message {
  readonly text: string
  /** UTF-16 offset in `text` of the caller's SQL. */
  readonly sqlStart: number
  /** How many statements were completed, from the first of the caller's SQL on. */
  readonly completed: number
  /** It is on the wire, and does not wait for the answer to another one. */
  readonly isSent: boolean
  /** The server has said so: its rollback goes before whatever is sent from now on. */
  readonly hasFailed: boolean
  readonly done: Promise<void>
}

/** One transaction, on a session that is in none. What its commit says of the ledger is expected from then on. */
export class LedgerTransaction {
  readonly #session: Session
  readonly #expectations: Expectations | undefined
  readonly #opening: readonly string[]
  readonly #around: Around
  #begun = false

  /** `guard`: the whole of it; empty for none. `expectations`: where what is committed is remembered. */
  constructor(session: Session, around: Around = {}, expectations?: Expectations) {
    const { modes, limits, beforeGuard = [], guard, afterGuard = [] } = around
    this.#session = session
    this.#expectations = expectations
    this.#around = around
    this.#opening = [
      `begin${modes ? ` ${modes}` : ''};`,
      ...(limits ? setLimits(session, limits, true) : []),
      ...beforeGuard,
      ...(guard ? [doBlock(guard)] : []),
      ...afterGuard,
    ]
  }

  /** Sends SQL in the transaction, which the first message begins. */
  send(sql = ''): Message {
    return this.#message(sql, '')
  }

  /**
   * Sends SQL, writes the changes behind it and commits.
   * @param previous what the server is at work on. Should that fail, the guard must make this fail as well.
   */
  commit(changes: readonly Change[], sql = '', previous?: Message): Message {
    const { limits, behind = '', reset, discard } = this.#around
    const closing = [
      behind,
      reset ? resetSession(this.#session) : '',
      reset && limits?.asynchronous ? resumeAsynchronous : '',
      ...changes.map(({ statements }) => statements),
      discard ? discardSession(this.#session) : '',
      'commit',
    ]
    const inFlight = this.#expectations?.send(changes.map(({ expected }) => expected))
    return this.#message(sql, closing.join(''), inFlight, previous)
  }

  #message(sql: string, closing: string, inFlight?: InFlight, previous?: Message): Message {
    const opening = this.#begun ? [] : this.#opening
    const lead = opening.length > 0 ? `${opening.join('')}\n` : ''
    // the newline ends a comment, the semicolon a statement, that the SQL leaves open
    const text = `${lead}${sql}${sql === '' ? '' : '\n;'}${closing}`
    this.#begun = true
    const script = previous ? this.#session.scriptBehind(previous, text) : this.#session.script(text)
    const completed = () => script.tags.length - opening.length
    // a guard stands before the caller's SQL, and a change behind it; a trigger that is deferred to the commit is the caller's
    const isOurs = (error: unknown) => {
      if (completed() < 0 || codeOf(error) !== ownState.notWritten) return completed() < 0
      const behindSql = completed() - [...split(sql)].length
      return behindSql >= 0 && statementAt(closing, behindSql) !== 'commit'
    }
    return {
      text,
      sqlStart: lead.length,
      get completed() {
        return completed()
      },
      get isSent() {
        return script.isSent
      },
      get hasFailed() {
        return script.hasFailed
      },
      done: this.#settled(script, isOurs, inFlight, closing !== '', previous),
    }
  }

  /** After a failure there is no transaction any more; one whose connection is lost has ended with it. */
  async #settled(
    script: Script,
    isOurs: (error: unknown) => boolean,
    inFlight: InFlight | undefined,
    isLast: boolean,
    previous?: Message,
  ): Promise<void> {
    try {
      await script.done
    } catch (error) {
      if (isOurs(error)) noteRaised(error)
      if (isConnectionLoss(error)) throw error
      inFlight?.rolledBack()
      // where the previous one failed, its rollback came behind both
      const isRolledBack = await previous?.done.then(
        () => false,
        () => !this.#session.inTransaction,
      )
      if (!isRolledBack && !this.#session.options.signal.aborted) await this.#session.rollback()
      throw error
    }
    const ended = isLast ? script.tags.at(-1) === 'COMMIT' : this.#session.inTransaction
    // the lexer, the grammar and the server agree on what ends a transaction
    if (!ended) throw new Error(`a transaction ended unexpectedly, with ${script.tags.at(-1)}`)
    inFlight?.committed()
  }
}
