// One attempt after another: retries after a clash over locks, a lost connection, another migrator's lock.

import { setTimeout as sleep } from 'node:timers/promises'
import { clashCodes, codeOf, idleCodes, isConnectionLoss, ownState, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { takeOutOwnLimit } from '../apply/failure.ts'
import { MigrationFailedError, NoAnswerError, TableLockError } from '../errors.ts'
import { LostCommitsError } from '../ledger/expectations.ts'
import { raisedState } from '../ledger/guards.ts'
import { lackingPart } from '../own-parts.ts'
import { idleLimit } from '../postgres/session-settings.ts'
import { formatDuration } from '../text/durations.ts'
import { messageOfThrown } from '../text/thrown.ts'
import { type Blocker, describe } from './blockers.ts'
import { Losses } from './losses.ts'
import type { Run } from './run.ts'

/** What is being attempted, as the work itself knows it. */
export interface Attempt {
  /** Who was last seen in the way. */
  readonly blockers: () => readonly Blocker[]
  /** Part of the work is committed: failures before it do not count any more. */
  progressed(): void
}

/**
 * Does `work` until it succeeds or fails for good. The only retry inside a run: attempts are not nested, but for the batches of
 * a code migration, which leave a lost connection to its own attempt.
 * - 55P03, 40P01, 40001, and an attempt whose lock waits together took too long: rolled back and tried again, `lockRetries`
 *   times; then TableLockError.
 * - a lost connection, or one that leads to a standby now: connected again inside the connect budget; `work` itself must look
 *   at what was committed.
 * - the run lock taken by another migrator (behind a pooler): polled until `lockWait` is spent.
 * @param what a migration's name, or what else is done, for messages.
 * @param blockers tells who was last seen in the way.
 * @param reconnects false: a lost connection is thrown.
 */
export async function attempt<T>(
  run: Run,
  what: string,
  work: (attempt: Attempt) => Promise<T>,
  blockers: () => readonly Blocker[] = () => [],
  { reconnects = true } = {},
): Promise<T> {
  let clashes = 0
  const losses = new Losses(what)
  const current: Attempt = {
    blockers,
    progressed() {
      clashes = 0
      losses.forget()
    },
  }
  /** What must be done before the next attempt; the connection may be lost over this, too. */
  let before: (() => Promise<void>) | undefined
  for (;;) {
    run.signal.throwIfAborted()
    let failure: unknown
    let begun = performance.now()
    try {
      await before?.()
      before = undefined
      begun = performance.now()
      return await work(current)
    } catch (error) {
      failure = error
    }
    run.signal.throwIfAborted()
    const cause = rootCause(failure)
    const code = codeOf(cause)
    if (raisedState(failure) === ownState.lockBusy) {
      before = async () => {
        await run.session.rollback()
        await run.lock.waitForOther()
      }
    } else if (
      code !== undefined &&
      (clashCodes.has(code) || (code === sqlstate.canceled && run.blockers.takeStepBack()))
    ) {
      const nth = ++clashes
      const took = performance.now() - begun
      before = async () => {
        await run.session.rollback()
        await backOff(run, what, nth, took, cause, blockers())
      }
    } else if (reconnects && (isConnectionLoss(failure) || (await isAtStandby(run, code)))) {
      const idle = [code, run.session.endedWith].find(state => state !== undefined && idleCodes.has(state))
      if (idle !== undefined) {
        before = () => resumeAfterSilence(run, what, idle, failure)
        continue
      }
      losses.add(cause, before !== undefined)
      run.log.warn(
        { err: failure, migration: what },
        `lost the connection during ${what} (${messageOfThrown(cause)}); connecting again`,
      )
      before = async () => {
        await resume(run).catch((error: unknown) => {
          throw error instanceof NoAnswerError ? unknownEnd(what, error) : error
        })
        losses.madeAgain(run.session.wasStarting)
      }
    } else throw lackingPart(cause) ?? failure
  }
}

/**
 * The server ended the session because it heard nothing for longer than a limit: the migrator's own, where a module kept the
 * event loop busy, so that no heartbeat was sent. This run is slow and not gone, and goes on without that limit.
 * @throws MigrationFailedError if it was another limit, which the migration has set.
 */
async function resumeAfterSilence(run: Run, migration: string, code: string, cause: unknown): Promise<void> {
  if (!run.session.hasIdleLimit)
    throw new MigrationFailedError(
      migration,
      `${migration} lost its connection: the server ended an idle session (${code}). ${takeOutOwnLimit('schemagate up')}`,
      { cause },
    )
  run.log.warn(
    { err: cause, migration, code },
    `${migration}: the server ended the session because it heard nothing from it for too long (${code}), as from a module that computes without awaiting anything; what was open is rolled back, and it is run again without the migrator's own limit of ${formatDuration(idleLimit)}`,
  )
  await resume(run, 0)
}

/** The server may have committed what it was last sent, and its answer did not come. */
function unknownEnd(what: string, error: NoAnswerError): NoAnswerError {
  return new NoAnswerError(
    `${error.message} The connection was lost during ${what}, and what was committed last is not known: the next run finds out, and goes on from there.`,
    { cause: error.cause },
  )
}

/** Behind a pooler the connection stays when its server is lost, and may lead to a standby until another one is promoted. */
async function isAtStandby({ session }: Run, code: string | undefined): Promise<boolean> {
  if (code !== sqlstate.readOnly || !session.pooled) return false
  await session.rollback()
  const { rows } = await session.query<{ standby: boolean }>('select pg_catalog.pg_is_in_recovery() as standby')
  return rows[0]!.standby
}

/** A migration's failure carries the server's error as its cause; every other error of ours is final. */
function rootCause(error: unknown): unknown {
  return error instanceof MigrationFailedError && error.cause !== undefined ? error.cause : error
}

/**
 * Connects again, after a failover to the standby that was promoted; without a pooler the run lock went with the old
 * connection.
 * @throws LostCommitsError if commits are lost: those that had not waited for the disk, or had not come to the standby.
 */
async function resume(run: Run, idleLimit?: number): Promise<void> {
  await run.session.reconnect({ writable: true, ...(idleLimit !== undefined && { idleLimit }) })
  await run.lock.take()
  try {
    await run.ledger.requireCommitted()
  } catch (error) {
    if (error instanceof LostCommitsError)
      run.log.warn(
        { event: 'lost-commits' },
        `the new primary is missing commits from this run: ${error.message}; starting again from what it has`,
      )
    throw error
  }
}

/** Of an attempt without a lock timeout: the work that it did is no wait. */
const mostCounted = 2_000

/**
 * Milliseconds until the attempt after the `clash`-th clash, which has waited for locks for `waited` milliseconds. While it
 * waited, everything behind it in the queue did; the pause is at least 2.5 times as long, so that others are kept waiting for
 * less than a third of the time. It grows, so that attempts do not meet a blocker that comes and goes at the same moment each time.
 */
export function pauseAfter(clash: number, waited: number, random: number = Math.random()): number {
  const first = Math.max(2.5 * waited, 100)
  const grown = first * 1.25 ** (clash - 1) * (1 + random / 5)
  return Math.round(Math.min(grown, Math.max(12_000, 1.6 * first)))
}

async function backOff(
  run: Run,
  migration: string,
  clashes: number,
  took: number,
  cause: unknown,
  blockers: readonly Blocker[],
): Promise<void> {
  const who = blockers.length > 0 ? ` Blocked by: ${blockers.map(describe).join('; ')}.` : ''
  const why =
    codeOf(cause) === sqlstate.canceled
      ? 'its waits for locks added up to more than the lock timeout'
      : messageOfThrown(cause)
  if (clashes > run.settings.lockRetries)
    throw new TableLockError(
      `${migration} could not get its locks in ${clashes} attempts (${why}).${who} It was rolled back. ` +
        `${endThem(blockers)}, or run \`schemagate up\` again when there is less load; --lock-timeout and --lock-retries set how long to try.`,
      { cause },
    )
  const delay = pauseAfter(clashes, Math.min(took, run.blockers.lockTimeout || mostCounted))
  run.log.warn(
    { event: 'clash', migration, attempt: clashes, delayMs: delay, blockers, err: cause },
    `${migration}: ${why}; rolled back, attempt ${clashes + 1} of ${run.settings.lockRetries + 1} in ${formatDuration(delay)}.${who}`,
  )
  await sleep(delay, undefined, { signal: run.signal }).catch(() => {})
}

function endThem([first, ...more]: readonly Blocker[]): string {
  return first?.pid && more.length === 0
    ? `End that session (select pg_terminate_backend(${first.pid}))`
    : 'End what blocks it'
}
