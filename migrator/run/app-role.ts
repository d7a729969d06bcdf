// The app's login role as a part of a run: loaded only where one is asked for.

import { UsageError } from '../errors.ts'
import type { Session } from '../postgres/session.ts'
import type { Engine } from './engine.ts'
import { persist } from './persist.ts'
import type { Run } from './run.ts'

export interface AppRoleOptions {
  readonly name: string
  readonly password: string | undefined
}

export interface AppRolePart {
  /** False if there is something to do; changes nothing and needs no lock. */
  works(session: Session): Promise<boolean>
  /** Makes or updates the role. */
  ensure(run: Run): Promise<void>
}

/** @throws UsageError if the role's name or password cannot be used. */
export async function appRoleOf({ settings }: Engine, { name, password }: AppRoleOptions): Promise<AppRolePart> {
  if (password === undefined)
    throw new UsageError('The app role has no password. Set SCHEMAGATE_APP_PASSWORD or SCHEMAGATE_APP_PASSWORD_FILE.')
  const { appRoleWorks, checkAppRole, ensureAppRole } = await import('../roles.ts')
  const role = { role: name, password, schema: settings.schema }
  checkAppRole(role)
  return {
    works: session => appRoleWorks(session.client, role),
    async ensure(run) {
      const report = await persist(run, 'the app role', () => ensureAppRole(run.session.client, role))
      const { created, passwordSet, granted, notes } = report
      if (created || passwordSet || granted > 0)
        run.log.info(
          { event: 'app-role', role: name, created, passwordSet, granted },
          `${created ? 'made' : 'updated'} the app's role ${name}${granted > 0 ? `, ${granted} grants` : ''}`,
        )
      for (const note of notes) run.log.warn({ event: 'app-role', role: name }, note)
    },
  }
}
