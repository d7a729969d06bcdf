// Shows how far a migration is, again and again until it ends: on a display that moves, or as a line in the log now and then.

import type { Log } from '../log.ts'
import { split } from '../sql/split.ts'
import { hideSecrets } from '../text/redact.ts'
import type { Announced, Sent } from './announced.ts'
import { Estimate } from './estimate.ts'
import { describeProgress, type Progress, type ProgressDisplay, progressFields } from './progress.ts'
import { readReport } from './reports.ts'
import type { Activity } from './server.ts'

export { activityQuery } from './server.ts'

/** Milliseconds between two questions to the server, and after one that it did not answer. */
const askInterval = 1_000
const pauseAfterError = 10_000
/** Milliseconds between two lines in the log, from the migration's beginning on. */
const logInterval = 10_000

export interface ReportOptions {
  readonly migration: string
  /** When it began, by `performance.now()`. */
  readonly since: number
  readonly announced: Announced
  /** What the server tells of the session; undefined if it does not know which one it is. */
  readonly ask: () => Promise<Activity | undefined>
  readonly log: Log
  /** Without it, lines are logged. */
  readonly display: ProgressDisplay | undefined
}

/** Begins to show how far a migration is. */
export function reportProgress(options: ReportOptions): { stop(): void } {
  const { migration, since, announced, ask, log, display } = options
  const estimate = new Estimate()
  const texts = new Texts()
  let activity: Activity | undefined
  let askAgain = 0
  let stopped = false
  let lines = Math.floor((performance.now() - since) / logInterval)
  const show = () => {
    if (stopped) return
    const now = performance.now()
    const progress = progressOf({ migration, since, announced, activity, estimate, texts, now })
    if (display) display.show(progress)
    else if (now - since >= (lines + 1) * logInterval) {
      lines = Math.floor((now - since) / logInterval)
      log.info(progressFields(progress, now), describeProgress(progress, now))
    }
  }
  const look = async () => {
    if (performance.now() < askAgain) return show()
    askAgain = Number.POSITIVE_INFINITY
    try {
      activity = await ask()
      // half of the interval, so that a look that comes a little early still asks
      askAgain = performance.now() + askInterval / 2
    } catch (error) {
      activity = undefined
      log.debug({ err: error, migration }, 'could not ask how far the migration is')
      askAgain = performance.now() + pauseAfterError
    }
    show()
  }
  const timer = setInterval(look, askInterval).unref()
  void look()
  return {
    stop() {
      stopped = true
      clearInterval(timer)
      display?.clear()
    },
  }
}

/** What is known of a migration at one moment. The server knows better than what is announced, where it tells anything. */
function progressOf(known: {
  readonly migration: string
  readonly since: number
  readonly announced: Announced
  readonly activity: Activity | undefined
  readonly estimate: Estimate
  readonly texts: Texts
  readonly now: number
}): Progress {
  const { migration, since, announced, activity, estimate, texts, now } = known
  const { work, step, sent } = announced
  const base = { migration, since, ...(step && { step }) }
  const { excerpt, count = 0, bytes } = texts.of(sent)
  if (activity?.report) {
    const { command, isNamed, done, total, ...rest } = readReport(activity.report, bytes)
    const statement = isNamed ? command : (excerpt ?? command)
    const phase = `${statement}; ${rest.phase}`
    return {
      ...base,
      statement,
      ...rest,
      ...(done !== undefined && total && estimate.see({ phase, done, total }, now)),
    }
  }
  if (work) {
    const { phase, rows, of } = work
    return { ...base, phase, rows, ...(of && { of, ...estimate.see({ phase, done: rows, total: of }, now) }) }
  }
  // which one of several in one message is under way the server does not tell
  const statement = excerpt ?? (count > 1 ? `one of ${count} statements` : undefined)
  const isBetween = activity && isIdle(activity)
  return { ...base, ...(!isBetween && statement && { statement }), phase: activity ? doing(activity) : 'running' }
}

/** Nothing is under way, as in the pause before the next attempt, or while a module computes. */
function isIdle({ state }: Activity): boolean {
  return state?.startsWith('idle') ?? false
}

/** What a session does of which no view tells. */
function doing(activity: Activity): string {
  const { waitType, waitEvent } = activity
  if (isIdle(activity)) return 'between statements'
  if (waitType === 'Lock') return `waiting for a lock (${waitEvent})`
  if (waitEvent === 'SyncRep')
    return 'committed here, and waiting for a synchronous standby (synchronous_standby_names)'
  return waitType ? `waiting (${waitType}: ${waitEvent})` : 'running'
}

const excerptLength = 60

/** What is to be known of a message. */
interface Text {
  /** How many statements. */
  readonly count?: number
  /** The beginning of the one that there is. */
  readonly excerpt?: string | undefined
  /** How many bytes COPY is sent. */
  readonly bytes?: (() => number) | undefined
}

/** Finds out once what is to be known of the last message. */
class Texts {
  #sent: Sent | undefined
  #text: Text = {}

  of(sent: Sent | undefined): Text {
    if (sent !== this.#sent) this.#text = sent ? read(sent) : {}
    this.#sent = sent
    return this.#text
  }
}

function read({ text, bytes }: Sent): Text {
  const [first, ...more] = [...split(text, 0, text.length)]
  if (!first || more.length > 0) return { count: more.length + (first ? 1 : 0) }
  const shown = hideSecrets(text.slice(first.start, Math.min(first.end, first.start + 10 * excerptLength))).replace(
    /\s+/g,
    ' ',
  )
  let counted: number | undefined
  return {
    count: 1,
    excerpt: shown.length > excerptLength ? `${shown.slice(0, excerptLength)}…` : shown,
    bytes: bytes && (() => (counted ??= bytes())),
  }
}
