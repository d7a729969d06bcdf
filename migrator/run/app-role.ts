// The app's login role as a part of a run: loaded only where one is asked for.

import { UsageError } from '../errors.ts'
import type { Session } from '../postgres/session.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import { attempt } from './attempt.ts'
import type { Engine } from './engine.ts'
import type { Run } from './run.ts'

export interface AppRolePart {
  /** False if there is something to do; changes nothing and needs no lock. */
  works(session: Session): Promise<boolean>
  /** Before the first migration: makes the role, without login, and has the migrations' transactions grant to it. */
  prepare(run: Run, migrated: boolean): Promise<void>
  /** After the last migration: gives it its login. One attempt: the caller tries again. */
  ensure(run: Run, migrated: boolean): Promise<void>
}

/** @throws UsageError if the role's name or password cannot be used. */
export async function appRoleOf(
  { settings, log }: Engine,
  { name, password, schemas }: AppRoleOptions,
): Promise<AppRolePart> {
  if (password === undefined)
    throw new UsageError('The app role has no password. Set SCHEMAGATE_APP_PASSWORD or SCHEMAGATE_APP_PASSWORD_FILE.')
  const { checkAppRole, checkRole, ensureAppRole } = await import('../app-role/index.ts')
  const { grantsOf } = await import('../app-role/new-objects.ts')
  const { describeGiven, newRights, readRights } = await import('../app-role/report.ts')
  const role = { role: name, password, schema: settings.schema, schemas }
  checkAppRole(role)
  /** Before this run's first change. */
  let before: ReadonlyMap<string, string> | undefined
  const warn = (notes: readonly string[]) => {
    for (const note of notes) log.warn({ event: 'app-role', role: name }, note)
  }
  return {
    async works(session) {
      const { works, notes } = await checkRole(session.client, role)
      warn(notes)
      return works
    },
    async prepare(run, migrated) {
      const report = await attempt(run, 'the app role', async () => {
        before ??= await readRights(run.session.client, name)
        return ensureAppRole(run.session.client, role, { at: 'before', migrated })
      })
      run.ledger.change.grants = grantsOf(role)
      if (report.created)
        log.info({ event: 'app-role', role: name, created: true }, `made the app's role ${name}, without login yet`)
      warn(report.notes)
    },
    async ensure(run, migrated) {
      const report = await ensureAppRole(run.session.client, role, { at: 'after', migrated })
      const given = newRights(before ?? new Map(), await readRights(run.session.client, name))
      if (report.passwordSet || report.granted > 0 || given.length > 0)
        log.info(
          { event: 'app-role', role: name, passwordSet: report.passwordSet, granted: given },
          `updated the app's role ${name}${describeGiven(given)}`,
        )
      warn(report.notes)
    },
  }
}
