// Before a change that running applications cannot live with: tells them, and waits until they have let go.

import { setTimeout as sleep } from 'node:timers/promises'
import { headHash, parseAnnouncement } from '../../gate/protocol/announcement.ts'
import { RefusedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { readRow } from '../ledger/read.ts'
import { formatDuration } from '../text/durations.ts'
import { atomically, persist } from './attempt.ts'
import { noteLaggingReplicas } from './replicas.ts'
import type { Run } from './run.ts'
import { mayReadLedger } from './run-lock-sql.ts'

/** A session of an application that a change would break. */
interface AppSession {
  readonly pid: number
  readonly user: string | null
  readonly application: string
  readonly address: string | null
}

const step = 100

/**
 * Does `change` after the applications that it would break have let go.
 *
 * The ledger's row says first that the change is under way, then the applications are told: an application that starts
 * between the two announces itself before it reads the ledger, so that either it is seen here or it sees the row.
 *
 * @param direction `up`: apps that do not know this breaking migration; `down`: apps that were built with it.
 * @throws RefusedError if they do not let go in time, or are not to be told.
 */
export async function drained<T>(
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
  if (onOlderApps === 'ignore') {
    // nothing announces it: gone after a lost connection, it is this run's own doing
    if (direction === 'down') run.known.forget(migration.name)
    return change()
  }
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
    await release(run, migration, direction).catch(() => {})
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
  const { messages, session, settings } = run
  const { name, checksum, kind, marks } = migration
  await persist(run, name, async () => {
    const row = await readRow(session, settings.schema, name)
    // while the connection was lost, another migrator came to the end
    if (direction === 'up' && row?.state === 'applied' && row.checksum === checksum) return
    const mark =
      row?.state === 'running'
        ? ''
        : direction === 'up'
          ? messages.recordRunning({ name, checksum, kind, breaking: marks.breaking })
          : messages.recordReverting(name)
    const event = direction === 'up' ? 'breaking' : 'reverting'
    if (direction === 'down') run.known.forget(name)
    await atomically(run, `${mark}${messages.notify({ event, migration: name, runId: run.id })}`)
    if (direction === 'up') run.known.underWay(name, checksum)
    else run.known.reverting(name)
  })
}

async function waitUntilGone(run: Run, migration: Migration, breaks: (hash: string) => boolean): Promise<void> {
  const started = performance.now()
  const { drainTimeout } = run.settings
  let said = false
  const named = new Set<number>()
  for (;;) {
    run.signal.throwIfAborted()
    const { apps: sessions, strangers } = await persist(run, migration.name, () => readSessions(run, breaks))
    const waited = performance.now() - started
    passOver(run, migration, strangers, named)
    if (sessions.length === 0) return
    if (waited >= drainTimeout)
      throw refusal(
        migration,
        sessions,
        `They were told, and had not let go after ${formatDuration(drainTimeout)}. Stop them, or raise --drain-timeout.`,
      )
    if (!said)
      run.log.info(
        { event: 'drain', migration: migration.name, sessions },
        `${migration.name} breaks ${sessions.length} running app sessions; waiting until they have let go`,
      )
    said = true
    await sleep(step, undefined, { signal: run.signal }).catch(() => {})
  }
}

/** Anyone may call himself what he likes: an app is who can read the ledger, or his name is nothing but a name. */
async function readSessions(run: Run, breaks: (hash: string) => boolean) {
  const { rows } = await run.session.query<AppSession & { readonly reads: boolean }>(
    `select pid, usename as user, application_name as application, pg_catalog.host(client_addr) as address,
              ${mayReadLedger(run.settings.schema, 'usesysid')} as reads
       from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database() and application_name like 'schemagate:%' order by pid`,
  )
  const broken = rows.filter(row => {
    const announcement = parseAnnouncement(row.application)
    return announcement !== undefined && breaks(announcement.hash)
  })
  return { apps: broken.filter(row => row.reads), strangers: broken.filter(row => !row.reads) }
}

/** Says once who is not waited for. */
function passOver(run: Run, migration: Migration, strangers: readonly AppSession[], named: Set<number>): void {
  for (const stranger of strangers.filter(({ pid }) => !named.has(pid))) {
    named.add(stranger.pid)
    run.log.warn(
      { event: 'drain-passed-over', migration: migration.name, session: stranger },
      `${describeSession(stranger)} calls itself an app that ${migration.name} breaks, but that role may not read the ledger: it is passed over`,
    )
  }
}

/** The change did not come about: unless some of it is done, the ledger forgets it and the applications may go on. */
async function release(run: Run, migration: Migration, direction: 'up' | 'down'): Promise<void> {
  const { messages, session, settings } = run
  await session.rollback()
  const row = await readRow(session, settings.schema, migration.name)
  const begun = row?.journal?.done?.length || row?.journal?.started
  run.known.forget(migration.name)
  const undo = direction === 'up' ? messages.abandon(migration.name) : messages.keepApplied(migration.name)
  await atomically(run, `${row?.state === 'running' && !begun ? undo : ''}${messages.notify({ event: 'released' })}`)
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
