// What every verb starts with: the settings, the files, a session.

import { hostname } from 'node:os'
import { migratorName } from '../../gate/protocol/announcement.ts'
import { type FolderOptions, readFolderInTurns } from '../files/folder.ts'
import type { Migration } from '../files/migration.ts'
import type { Log } from '../log.ts'
import { Session } from '../postgres/session.ts'
import type { Settings } from '../settings/settings.ts'

export interface Engine {
  readonly settings: Settings
  readonly log: Log
  readonly signal: AbortSignal
  /** Takes the settings' secrets out of a text. */
  redact(text: string): string
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

function openSession({ settings, log, signal }: Engine): Promise<Session> {
  return Session.open({
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
  use: (files: Migration[], session: Session) => Promise<T>,
): Promise<T> {
  const opening = openSession(engine)
  opening.catch(() => {})
  let files: Migration[]
  try {
    files = await readFolderInTurns(engine.settings.dir, folderOptions(engine.settings, engine.log))
  } catch (error) {
    void opening.then(session => session.close()).catch(() => {})
    throw error
  }
  const session = await opening
  try {
    return await use(files, session)
  } finally {
    await session.close()
  }
}
