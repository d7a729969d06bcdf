// The run lock: one migrator at a time, polled rather than waited for, on the connection that works.

import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { runLockKey } from '../../gate/protocol/run-lock-key.ts'
import { LockHeldError } from '../errors.ts'
import { raisedState } from '../ledger/guards.ts'
import { LedgerTransaction } from '../ledger/transaction.ts'
import type { Log } from '../log.ts'
import { Session } from '../postgres/session.ts'
import { formatDuration } from '../text/durations.ts'
import {
  type Holder,
  holdersSql,
  keptSql,
  lockTable,
  passedOverMode,
  takeForTransaction,
  takeWithKey,
} from './run-lock-sql.ts'

interface LockOptions {
  readonly session: Session
  readonly schema: string
  /** Milliseconds to wait for another migrator. */
  readonly wait: number
  readonly signal: AbortSignal
  readonly log: Log
}

/** Between two polls; spread, so that many waiting migrators do not come all at once. */
const pollMin = 40
const pollSpread = 60
/** Between two looks at who holds it, which cost the server more than a poll. */
const lookInterval = 1_000

/**
 * One run's lock. It is the advisory lock, which migrators of 0.1 take as well. Where that is held by a role that may
 * not write the ledger, a second connection holds a lock on one of the ledger's tables in its place.
 */
export class RunLock {
  readonly #options: LockOptions
  /** The guard of a session that has the key; made once. */
  readonly guardWithKey: string
  #keeper: Session | undefined
  /** For as long as the connection lasts: it is taken again with the next one. */
  #hasKey = false
  #isProvisional = false
  readonly #named = new Set<string>()

  constructor(options: LockOptions) {
    this.#options = options
    this.guardWithKey = takeWithKey(options.schema)
  }

  /** The statements, for a PL/pgSQL block, that make sure of the lock in one transaction, or raise `lockBusy`. */
  get guard(): string {
    return this.#hasKey ? this.guardWithKey : takeForTransaction(this.#options.schema, this.#keeper?.greeting.pid)
  }

  /** This session has the key. */
  get hasKey(): boolean {
    return this.#hasKey
  }

  /** The key was passed over, and nothing is held in its place yet. */
  get isProvisional(): boolean {
    return this.#isProvisional
  }

  /**
   * Takes it, for as long as the connection lasts; behind a pooler, where nothing lasts, each transaction takes it. It is
   * polled: a backend that waits inside the server holds a snapshot, and a CREATE INDEX CONCURRENTLY of the lock's holder
   * would wait for that for ever (flyway#1654, golang-migrate#960).
   * @param isLedgerMade false before the ledger's tables were made and put right, for which nothing may be held but by the
   * transactions that do it: a key that is passed over then leaves the lock provisional, to be taken again after that.
   * @throws LockHeldError
   */
  async take(isLedgerMade = true): Promise<void> {
    this.close()
    this.#hasKey = false
    this.#isProvisional = false
    const { session } = this.#options
    if (!session.pooled) return this.#poll(isDue => this.#try(isLedgerMade, isDue))
    const strangers = (await this.#holders()).filter(({ legitimate }) => !legitimate)
    this.#passOver(strangers)
    this.#isProvisional = !isLedgerMade && strangers.length > 0
  }

  /** Waits until another run's transaction has ended, or its run. @throws LockHeldError */
  async waitForOther(): Promise<void> {
    const { session } = this.#options
    if (!session.pooled) return this.take()
    await this.#poll(async () => {
      try {
        await new LedgerTransaction(session, { guard: this.guard }).commit([]).done
        return true
      } catch (error) {
        if (!raisedState(error)) throw error
        return false
      }
    })
  }

  /** The second connection, if there is one, is not needed any more. */
  close(): void {
    const keeper = this.#keeper
    this.#keeper = undefined
    keeper?.close()
  }

  /** @param looks whether to look at who holds it. */
  async #try(isLedgerMade: boolean, looks: boolean): Promise<boolean> {
    const { session, schema } = this.#options
    const [a, b] = runLockKey(schema)
    const { rows } = await session.query<{ taken: boolean }>(
      `select pg_catalog.pg_try_advisory_lock(${a}, ${b}) as taken`,
    )
    if (rows[0]!.taken) {
      // another run may have passed over a key that a stranger held then
      this.#hasKey = !(await session.query<{ kept: boolean }>(keptSql(schema))).rows[0]!.kept
      if (this.#hasKey) return true
      await session.query(`select pg_catalog.pg_advisory_unlock(${a}, ${b})`)
      return false
    }
    if (!looks && this.#named.size === 0) return false
    const holders = await this.#holders()
    if (holders.length === 0 || holders.some(({ legitimate }) => legitimate)) return false
    this.#passOver(holders)
    this.#isProvisional = !isLedgerMade
    return !isLedgerMade || this.#keep()
  }

  /** Takes the lock that stands for the key. False if another session has it, or has taken the key and may write the ledger. */
  async #keep(): Promise<boolean> {
    const { session, schema } = this.#options
    const keeper = await Session.open({ ...session.options, writable: true })
    try {
      // no snapshot is held between two statements: a CREATE INDEX CONCURRENTLY does not wait for this transaction
      await keeper.query('begin isolation level read committed')
      await keeper.query(`lock table ${lockTable(schema)} in ${passedOverMode} mode nowait`)
      const isFree = (await this.#holders()).every(({ key, legitimate }) => !key || !legitimate)
      if (!isFree) keeper.close()
      else this.#keepUntilLost(keeper)
      return isFree
    } catch (error) {
      keeper.close()
      const code = codeOf(error)
      if (code === sqlstate.lockNotAvailable) return false
      // another run has not made the ledger yet, or a server that was promoted lacks it
      this.#isProvisional = code === sqlstate.undefinedTable
      if (this.#isProvisional) return true
      throw error
    }
  }

  /** Without its keeper a run has no lock: its own connection is cut, and made again together with the lock. */
  #keepUntilLost(keeper: Session): void {
    this.#keeper = keeper
    keeper.client.once('end', () => {
      if (this.#keeper === keeper) this.#options.session.client.connection.stream.destroy()
    })
  }

  #passOver(holders: readonly Holder[]): void {
    for (const { who } of holders) {
      if (this.#named.has(who)) continue
      this.#named.add(who)
      this.#options.log.warn(
        { event: 'lock-passed-over', holder: who },
        `the run lock's key is held by ${who}: that role may not write the ledger, so it is no migrator, and is passed over`,
      )
    }
  }

  async #holders(): Promise<Holder[]> {
    const { session, schema } = this.#options
    return (await session.query<Holder & { [column: string]: unknown }>(holdersSql(schema))).rows.filter(
      ({ pid }) => pid === null || (pid !== session.greeting.pid && pid !== this.#keeper?.greeting.pid),
    )
  }

  /** Polls `attempt` until it says yes, and tells it when to look at the holders; says who holds the lock after a second. */
  async #poll(attempt: (isDue: boolean) => Promise<boolean>): Promise<void> {
    const { wait, signal, log } = this.#options
    const started = performance.now()
    let lastLogged = ''
    let looked = Number.NEGATIVE_INFINITY
    const who = async () => {
      const others = (await this.#holders()).filter(({ legitimate }) => legitimate)
      return others.map(holder => holder.who).join('; ')
    }
    for (;;) {
      signal.throwIfAborted()
      const isDue = performance.now() - looked >= lookInterval
      if (isDue) looked = performance.now()
      if (await attempt(isDue)) return
      const waited = performance.now() - started
      if (waited >= wait) {
        const last = await who()
        throw new LockHeldError(
          `Another migrator held the run lock for ${formatDuration(wait)}${last ? `: ${last}` : ''}. ` +
            'Wait until it has ended and run `schemagate up` again; --lock-wait sets how long to wait.',
        )
      }
      if (isDue && waited > 1_000) {
        const now = await who()
        // Empty when the holder has ended since the attempt: the next attempt has the lock.
        if (now !== '' && now !== lastLogged) {
          log.info({ event: 'lock-wait', durationMs: Math.round(waited) }, `waiting for another migrator: ${now}`)
          lastLogged = now
        }
      }
      await sleep(Math.min(pollMin + Math.random() * pollSpread, wait - waited), undefined, { signal }).catch(() => {})
    }
  }
}
