// Trying again what is worth trying again: a clash over locks, a lost connection, another migrator's lock.

import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '../durations.ts'
import { MigrationFailedError, TableLockError } from '../errors.ts'
import { readLedger } from '../ledger/read.ts'
import { clashCodes, codeOf, isConnectionLoss, ownState } from '../postgres/sqlstate.ts'
import { type Blocker, describe } from '../postgres/watch.ts'
import { RewoundError } from './rewound.ts'
import type { Run } from './run.ts'

/** Backoff between attempts after a clash: doubled each time, with jitter, so that queued queries drain. */
const backoffMin = 100
const backoffMax = 10_000
/** A migration that takes the server down with it would be tried for ever. */
const mostLosses = 10

/**
 * Runs `attempt` until it succeeds or fails for good.
 * - 55P03, 40P01, 40001: rolled back and tried again, `lockRetries` times; then TableLockError.
 * - a lost connection: connected again inside the connect budget; `attempt` itself must look at what was committed.
 * - the run lock taken by another migrator (behind a pooler): polled until `lockWait` is spent.
 * `blockers` tells who was last seen in the way.
 */
export async function persist<T>(
  run: Run,
  migration: string,
  attempt: () => Promise<T>,
  blockers: () => readonly Blocker[] = () => [],
): Promise<T> {
  let clashes = 0
  let losses = 0
  /** What must be done before the next attempt; the connection may be lost over this, too. */
  let before: (() => Promise<void>) | undefined
  for (;;) {
    run.signal.throwIfAborted()
    let failure: unknown
    try {
      await before?.()
      before = undefined
      return await attempt()
    } catch (error) {
      failure = error
    }
    run.signal.throwIfAborted()
    const cause = rootCause(failure)
    const code = codeOf(cause)
    if (code === ownState.lockBusy) {
      before = async () => {
        await run.session.rollback()
        await run.lock.waitForOther()
      }
    } else if (code !== undefined && clashCodes.has(code)) {
      const nth = ++clashes
      before = async () => {
        await run.session.rollback()
        await backOff(run, migration, nth, cause, blockers())
      }
    } else if (isConnectionLoss(failure)) {
      losses++
      if (losses > mostLosses)
        throw new MigrationFailedError(
          migration,
          `${migration} lost its connection ${losses} times in a row; nothing of the last attempt was committed. ` +
            "Look into the server's log for why its process ended, then run `schemagate up` again.",
        )
      run.log.warn({ err: failure, migration }, `lost the connection during ${migration}; connecting again`)
      before = () => resume(run)
    } else throw failure
  }
}

/** A migration's failure carries the server's error as its cause; every other error of ours is final. */
function rootCause(error: unknown): unknown {
  return error instanceof MigrationFailedError && error.cause !== undefined ? error.cause : error
}

/**
 * Connects again, after a failover to the standby that was promoted; without a pooler the run lock went with the old
 * connection.
 * @throws RewoundError if commits are lost: those that had not waited for the disk, or had not come to the standby.
 */
async function resume(run: Run): Promise<void> {
  await run.session.reconnect({ writable: true })
  await run.lock.take()
  const rows = await readLedger(run.session, run.settings.schema)
  try {
    run.known.requireIn(rows)
  } catch (error) {
    if (error instanceof RewoundError)
      run.log.warn({ event: 'rewound' }, `the server that answers now lacks the last commits: ${error.message}`)
    throw error
  }
}

/** Changes the ledger in a transaction of its own, under the run lock; one attempt of {@link persist}. */
export async function atomically(run: Run, statements: string): Promise<void> {
  try {
    await run.session.script(`begin;${run.messages.lockGuard()}${statements}commit`).done
  } catch (error) {
    if (!isConnectionLoss(error)) await run.session.rollback()
    throw error
  }
}

async function backOff(
  run: Run,
  migration: string,
  clashes: number,
  cause: unknown,
  blockers: readonly Blocker[],
): Promise<void> {
  const who = blockers.length > 0 ? ` In its way: ${blockers.map(describe).join('; ')}.` : ''
  const why = cause instanceof Error ? cause.message : String(cause)
  if (clashes > run.settings.lockRetries)
    throw new TableLockError(
      `${migration} could not get its locks in ${clashes} attempts (${why}).${who} It was rolled back. ` +
        'End that session, or run `schemagate up` again when it is quieter; --lock-timeout and --lock-retries set how hard to try.',
      { cause },
    )
  const most = Math.min(backoffMin * 2 ** clashes, backoffMax)
  const delay = Math.round(most / 2 + (Math.random() * most) / 2)
  run.log.warn(
    { event: 'clash', migration, attempt: clashes, delayMs: delay, blockers, err: cause },
    `${migration}: ${why}; rolled back, attempt ${clashes + 1} of ${run.settings.lockRetries + 1} in ${formatDuration(delay)}.${who}`,
  )
  await sleep(delay, undefined, { signal: run.signal }).catch(() => {})
}
