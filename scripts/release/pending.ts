// What a release is about to do to the database, and the backup before it.

import { lastMessage } from './migrator-log.ts'
import type { Production } from './production.ts'
import { sizeOf } from './settings.ts'

export interface PendingMigration {
  readonly name: string
  readonly breaking: boolean
  readonly reversible: boolean
}

/** The migrator said no: its exit code is ours. */
export class MigratorError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface Pending {
  /** The newest migration that the database has. */
  readonly head: string | null
  readonly migrations: readonly PendingMigration[]
}

/** @throws MigratorError if the database is not one that this release can migrate. */
export async function readPending(production: Production): Promise<Pending> {
  const { exitCode, stdout, stderr } = await production.migrator(['plan', '--format', 'json'])
  if (exitCode !== 0) throw new MigratorError(lastMessage(stderr) ?? stderr.trim(), exitCode ?? 1)
  return JSON.parse(stdout)
}

/** So many, in words. */
export function migrations(count: number): string {
  return `${count} ${count === 1 ? 'migration' : 'migrations'}`
}

/** Those that nothing but a backup can take back. */
export function needingBackup({ head, migrations }: Pending): PendingMigration[] {
  return head === null ? [] : migrations.filter(({ breaking, reversible }) => breaking || !reversible)
}

/** Characters of a dump's name: a file's may have 255 bytes, and a migration's is one. */
const longestName = 200

/** Dumps the database into the volume `backups`. Returns the dump's name and size. */
export async function takeBackup(production: Production, why: string): Promise<string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const name = `${time}-before-${why.replace(/[^\w.-]+/g, '_')}`.slice(0, longestName)
  const { exitCode, stdout, stderr } = await production.backup('dump', name)
  if (exitCode !== 0)
    throw new Error(`No backup could be taken, so nothing was changed (--no-backup does without).\n${stderr.trim()}`)
  const [file, bytes] = stdout.trim().split(' ')
  return `${file}, ${sizeOf(Number(bytes))}`
}

/** Removes the oldest dumps. A restore never does: the dump that it is asked for may be the oldest. */
export async function pruneBackups(production: Production): Promise<void> {
  const { exitCode, stderr } = await production.backup('prune')
  if (exitCode !== 0) throw new Error(`Old backups could not be removed.\n${stderr.trim()}`)
}
