// Before a change that running applications cannot live with: tells them, and waits until they have disconnected.

import { setTimeout as sleep } from 'node:timers/promises'
import { GATE_PATTERN, headHash, parseAnnouncement } from '../../gate/protocol/announcement.ts'
import { RefusedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { formatDuration } from '../text/durations.ts'
import { attempt } from './attempt.ts'
import { noteLaggingReplicas } from './lagging-replicas.ts'
import type { Run } from './run.ts'
import { mayReadLedger } from './run-lock-sql.ts'

/** A session of an application that a change would break. */
interface AppSession {
  readonly pid: number
  readonly user: string | null
  readonly application: string
  readonly address: string | null
}

/** Milliseconds. */
const pollInterval = 100

/**
 * Does `change` after the applications that it would break have disconnected.
 *
 * The ledger's row says first that the change is under way, then the applications are notified: an application that starts
 * between the two announces itself before it reads the ledger, so that either it is seen here or it sees the row.
 *
 * @param direction `up`: apps that do not know this breaking migration; `down`: apps that were built with it.
 * @throws RefusedError if they do not disconnect in time, or `onOlderApps` is `refuse`.
 */
export async function afterAppsDisconnect<T>(
  run: Run,
  files: readonly Migration[],
  migration: Migration,
  direction: 'up' | 'down',
  change: () => Promise<T>,
): Promise<T> {
  const { onOlderApps } = run.settings
  const concerned = direction === 'down' || migration.marks.breaking
  if (!concerned) return change()
  await noteLaggingReplicas(run, migration)
  if (onOlderApps === 'ignore') return change()
  const breaks = appsBrokenBy(files, migration, direction)
  if (onOlderApps === 'refuse') {
    const { apps } = await readSessions(run, breaks)
    if (apps.length > 0) throw refusal(migration, apps, 'They would be broken by it, and --on-older-apps is refuse.')
  }
  try {
    await announceChange(run, migration, direction)
    await waitUntilGone(run, migration, breaks)
    return await change()
  } catch (error) {
    await takeBack(run, migration, direction).catch(() => {})
    throw error
  }
}

/** Whether an app with the head of this hash is broken: by a migration it does not have, by the loss of one it has. */
function appsBrokenBy(
  files: readonly Migration[],
  migration: Migration,
  direction: 'up' | 'down',
): (hash: string) => boolean {
  const index = files.indexOf(migration)
  const having = new Set(files.slice(index).map(file => headHash(file.name)))
  return direction === 'up' ? hash => !having.has(hash) : hash => having.has(hash)
}

async function announceChange(run: Run, migration: Migration, direction: 'up' | 'down'): Promise<void> {
  const { change } = run.ledger
  const { name, checksum, kind, marks } = migration
  await attempt(run, name, async () => {
    const row = await run.ledger.row(name)
    // while the connection was lost, another migrator came to the end
    if (direction === 'up' && row?.state === 'applied' && row.checksum === checksum) return
    const begun =
      direction === 'up' ? change.running({ name, checksum, kind, breaking: marks.breaking }) : change.reverting(name)
    const event = direction === 'up' ? 'breaking' : 'reverting'
    const notice = change.notified({ event, migration: name, runId: run.id })
    await run.ledger.write(row?.state === 'running' ? [notice] : [begun, notice])
  })
}

async function waitUntilGone(run: Run, migration: Migration, breaks: (hash: string) => boolean): Promise<void> {
  const started = performance.now()
  const { drainTimeout } = run.settings
  let logged = false
  const named = new Set<number>()
  for (;;) {
    run.signal.throwIfAborted()
    const { apps: sessions, strangers } = await attempt(run, migration.name, () => readSessions(run, breaks))
    const waited = performance.now() - started
    passOver(run, migration, strangers, named)
    if (sessions.length === 0) return
    if (waited >= drainTimeout)
      throw refusal(
        migration,
        sessions,
        `They were notified, and were still connected after ${formatDuration(drainTimeout)}. Stop them, or raise --drain-timeout.`,
      )
    if (!logged)
      run.log.info(
        { event: 'drain', migration: migration.name, sessions },
        `${migration.name} breaks running apps (${sessions.length === 1 ? '1 session' : `${sessions.length} sessions`}); waiting until they have disconnected`,
      )
    logged = true
    await sleep(pollInterval, undefined, { signal: run.signal }).catch(() => {})
  }
}

/** Any session may choose such an application_name: only one whose role can read the ledger is an app. */
async function readSessions(run: Run, breaks: (hash: string) => boolean) {
  const { rows } = await run.session.query<AppSession & { readonly reads: boolean }>(
    `select pid, usename as user, application_name as application, pg_catalog.host(client_addr) as address,
              ${mayReadLedger(run.settings.schema, 'usesysid')} as reads
       from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database() and application_name like '${GATE_PATTERN}' order by pid`,
  )
  const broken = rows.filter(row => {
    const announcement = parseAnnouncement(row.application)
    return announcement !== undefined && breaks(announcement.hash)
  })
  return { apps: broken.filter(row => row.reads), strangers: broken.filter(row => !row.reads) }
}

/** Logs once which sessions are not waited for. */
function passOver(run: Run, migration: Migration, strangers: readonly AppSession[], named: Set<number>): void {
  for (const stranger of strangers.filter(({ pid }) => !named.has(pid))) {
    named.add(stranger.pid)
    run.log.warn(
      { event: 'drain-passed-over', migration: migration.name, session: stranger },
      `${describeSession(stranger)} calls itself an app that ${migration.name} breaks, but that role may not read the ledger: it is passed over`,
    )
  }
}

/** The change failed: unless some of it is done, the ledger forgets it and the applications may go on. */
async function takeBack(run: Run, migration: Migration, direction: 'up' | 'down'): Promise<void> {
  const { change } = run.ledger
  await run.session.rollback()
  const row = await run.ledger.row(migration.name)
  const begun = row?.journal?.done?.length || row?.journal?.started
  const undone = direction === 'up' ? change.abandoned(migration.name) : change.notReverted(migration.name)
  const notice = change.notified({ event: 'released' })
  await run.ledger.write(row?.state === 'running' && !begun ? [undone, notice] : [notice])
}

function refusal(migration: Migration, sessions: readonly AppSession[], why: string): RefusedError {
  const list = sessions.map(session => `- ${describeSession(session)}`)
  return new RefusedError(
    `${migration.name} was not run: apps that it would break are connected.\n${list.join('\n')}\n${why} (--on-older-apps ignore runs it all the same.)`,
  )
}

function describeSession({ pid, user, application, address }: AppSession): string {
  return `pid ${pid}, user ${user ?? '?'}, ${application}${address ? `, from ${address}` : ''}`
}
