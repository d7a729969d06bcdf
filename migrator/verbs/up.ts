// `up`: applies what is pending, oldest first.

import { type MigrationsFolder, onlyThese } from '../files/folder.ts'
import type { Session } from '../postgres/session.ts'
import { type Engine, withFolderAndSession } from '../run/engine.ts'
import { conclude, type RunResult } from '../run/result.ts'
import { askedFirst, findUpToDate, type UpToDate } from '../run/up-to-date.ts'
import type { UpOptions } from './apply-pending.ts'

export type { UpOptions } from './apply-pending.ts'

/** Applies pending migrations. Foreseen failures are part of the result; only a bug throws. */
export async function up(engine: Engine, options: UpOptions = {}): Promise<RunResult> {
  return conclude(engine, results =>
    withFolderAndSession(
      engine,
      async (reading, session) => {
        const { only } = options
        const asked = only ? reading.then(folder => onlyThese(folder, only)) : reading
        asked.catch(() => {})
        const found = await upToDate(engine, asked, session, options)
        const folder = await asked
        if (found) {
          results.head = found.head
          return
        }
        const { applyPending } = await import('./apply-pending.ts')
        await applyPending({ engine, folder, session, results, options })
      },
      askedFirst(engine.settings.schema),
    ),
  )
}

/** The answer of one question, where that can give it: what is asked of single migrations is checked by the longer way. */
async function upToDate(
  engine: Engine,
  reading: Promise<MigrationsFolder>,
  session: Session,
  { to, allowLate = [], appRole }: UpOptions,
): Promise<UpToDate | undefined> {
  if (to !== undefined || allowLate.length > 0) return undefined
  const found = await findUpToDate(engine, reading, session, appRole)
  return found?.published && !found.adopted ? found : undefined
}
