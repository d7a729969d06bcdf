// `wait`: asks what `check` asks until the answer is yes, or the time is up.

import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { DeniedError, NoAnswerError, type SchemagateError } from '../errors.ts'
import type { Engine } from '../run/engine.ts'
import { asSchemagateError } from '../run/result.ts'
import { formatDuration } from '../text/durations.ts'
import { check, type Match } from './check.ts'

const pollInterval = 250

/** A question that is asked in time may take this long: its answer is then the result, instead of a timeout. */
const leastTimeout = 1_000

/** How much longer than connecting the whole question may take: what keeps it from connecting is then what is told. */
const afterConnecting = 500

/** What `wait` takes. */
export interface WaitOptions {
  /** How long it asks, in milliseconds; a question that is asked in time may take a second and a half longer. */
  readonly timeout: number
  /** The file of an app's manifest, to ask what that app asks; without one, whether the files are applied. */
  readonly manifestFile?: string | undefined
}

/** The last answer; `error` says why it is not yes, with the exit code that goes with it. */
export type Waited = Omit<Match, 'error'> & { readonly error?: SchemagateError }

/**
 * Asks until the database matches or the time is up, also while Postgres does not let it in: before the first run of the
 * migrator the app has no login. Rejects with the error classes for what waiting does not change.
 */
export async function wait(engine: Engine, { timeout, manifestFile }: WaitOptions): Promise<Waited> {
  const { settings, log, signal } = engine
  const started = performance.now()
  const deadline = started + timeout
  let lastLogged = ''
  for (;;) {
    const left = Math.max(leastTimeout, deadline - performance.now())
    const connectTimeout = Math.min(settings.connectTimeout, left)
    const answer = await within(left, signal, limited =>
      ask({ ...engine, settings: { ...settings, connectTimeout }, signal: limited }, manifestFile),
    )
    const { state, head, error } = answer
    const durationMs = Math.round(performance.now() - started)
    if (!error)
      log.info(
        { event: 'matches', state, head, durationMs },
        `the database matches after ${formatDuration(durationMs)}; the head is ${head ?? 'none'}`,
      )
    if (!error || performance.now() >= deadline) return answer
    if (error.message !== lastLogged) log.info({ event: 'waiting', durationMs }, `not yet: ${error.message}`)
    lastLogged = error.message
    await sleep(Math.min(pollInterval, deadline - performance.now()), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
}

/** A ledger that another session has locked answers when that ends: then the time that is left is the limit. */
async function within(
  milliseconds: number,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Waited>,
): Promise<Waited> {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(
      new NoAnswerError(
        `The database did not answer a question about its ledger within ${formatDuration(milliseconds)}: another session may have locked the ledger's table.`,
      ),
    )
  }, milliseconds + afterConnecting)
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/** The login, its password, the database and what it may read are made by the very run that is waited for. */
const stillToCome: ReadonlySet<string> = new Set(['28000', '28P01', '3D000', sqlstate.insufficientPrivilege])

/** Postgres may still come, and so may the right to ask; any other error is an answer. */
async function ask(engine: Engine, manifestFile: string | undefined): Promise<Waited> {
  try {
    return await check(engine, manifestFile)
  } catch (thrown) {
    const error = asSchemagateError(thrown, engine.signal)
    const isDenied = error instanceof DeniedError && stillToCome.has(codeOf(error.cause) ?? '')
    if (!(error instanceof NoAnswerError) && !isDenied) throw thrown
    return { state: 'unreachable', head: null, error }
  }
}
