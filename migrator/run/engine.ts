// What every verb starts with: the settings, the files, a session.

import { hostname } from 'node:os'
import { migratorName } from '../../gate/protocol/announcement.ts'
import { type FolderOptions, type MigrationsFolder, readFolderInTurns } from '../files/folder.ts'
import type { Migration } from '../files/migration.ts'
import type { Log } from '../log.ts'
import type { ConnectOptions } from '../postgres/connect.ts'
import { Session } from '../postgres/session.ts'
import type { ProgressDisplay } from '../progress/progress.ts'
import type { Settings } from '../settings/settings.ts'
import type { Results } from './result.ts'

export interface Engine {
  readonly settings: Settings
  readonly log: Log
  readonly signal: AbortSignal
  /** Takes the settings' secrets out of a text. */
  redact(text: string): string
  /** Shows how far a long migration is; without it, the log has lines of that. */
  readonly progressDisplay?: ProgressDisplay | undefined
  /** Where a run collects its results, for who has to tell of them if it does not come to its end. */
  readonly results?: Results | undefined
}

/** A session for one verb, closed whatever happens. Errors as {@link Session.open}. */
export async function withSession<T>(engine: Engine, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(engine)
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

function openSession({ settings, log, signal }: Engine, first: Pick<ConnectOptions, 'ask' | 'onAsked'> = {}) {
  return Session.open({
    ...first,
    target: settings.target,
    timeout: settings.connectTimeout,
    signal,
    log,
    applicationName: `${migratorName} ${hostname()} ${process.pid}`,
  })
}

/** A file is logged once to each log, however often the folder is read: `wait` reads it again and again. */
const logged = new WeakMap<Log, Set<string>>()

/** How the folder of migrations is read; what is left out is logged. */
export function folderOptions({ layout, ignore }: Pick<Settings, 'layout' | 'ignore'>, log: Log): FolderOptions {
  const files = logged.get(log) ?? new Set()
  logged.set(log, files)
  return {
    layout,
    ignore,
    onLeftOut({ file, message }) {
      if (files.has(file)) return
      files.add(file)
      log.warn({ event: 'left-out', file }, message)
    },
  }
}

/** The files and the session at once: the network is slower than the folder. */
export async function withFilesAndSession<T>(
  engine: Engine,
  use: (files: Migration[], session: Session, folder: MigrationsFolder) => Promise<T>,
): Promise<T> {
  return withFolderAndSession(engine, async (reading, session) => {
    const folder = await reading
    return use(folder.migrations(), session, folder)
  })
}

/**
 * The same for a verb that may not need what the files say, and can ask the server more while they are read.
 * @param ask what is asked with the session's first question: see {@link ConnectOptions.ask}.
 */
export async function withFolderAndSession<T>(
  engine: Engine,
  use: (reading: Promise<MigrationsFolder>, session: Session) => Promise<T>,
  ask?: string,
): Promise<T> {
  const asked = Promise.withResolvers<void>()
  const unwanted = new AbortController()
  const signal = AbortSignal.any([engine.signal, unwanted.signal])
  const opening = openSession({ ...engine, signal }, { ...(ask !== undefined && { ask }), onAsked: asked.resolve })
  const reading = readFiles(engine, asked.promise)
  opening.catch(() => {})
  reading.catch(() => {})
  let session: Session
  try {
    session = await openedOrMistaken(opening, reading)
  } catch (error) {
    // it would go on asking a server that is not there
    unwanted.abort()
    void opening.then(session => session.close()).catch(() => {})
    throw error
  }
  try {
    return await use(reading, session)
  } finally {
    await session.close()
  }
}

/** Milliseconds that the connection is given before the files are read. */
const headStart = 20

/** Reads the files once the server has a question to answer: the wait for that is the longest of a run with nothing to do. */
async function readFiles({ settings, log }: Engine, asked: Promise<void>): Promise<MigrationsFolder> {
  let late: NodeJS.Timeout | undefined
  const gone = new Promise<void>(resolve => {
    late = setTimeout(resolve, headStart)
  })
  await Promise.race([asked, gone])
  clearTimeout(late)
  return readFolderInTurns(settings.dir, folderOptions(settings, log))
}

/** Milliseconds: a server that takes longer is not there yet. */
const promptly = 500

/** Mistakes in the files are reported before a server's refusal, and without waiting for a server that is not there. */
async function openedOrMistaken(opening: Promise<Session>, reading: Promise<MigrationsFolder>): Promise<Session> {
  let late: NodeJS.Timeout | undefined
  const mistake = new Promise<never>((_resolve, reject) => {
    reading.catch(reject)
    late = setTimeout(() => void reading.then(folder => folder.migrations()).catch(reject), promptly)
  })
  try {
    return await Promise.race([opening, mistake])
  } catch (error) {
    ;(await reading).migrations()
    throw error
  } finally {
    clearTimeout(late)
  }
}
