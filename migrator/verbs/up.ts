// `up`: applies what is pending, oldest first.

import type { Applied } from '../ledger/digest.ts'
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
        const isAsked = ({ name }: { readonly name: string }) => options.only?.has(name) ?? true
        const checksums = async () => [...(await reading).checksums].filter(isAsked)
        const found = await upToDate(engine, checksums, session, options)
        const folder = await reading
        if (found) {
          results.head = found.head
          return
        }
        const { applyPending } = await import('./apply-pending.ts')
        await applyPending({ engine, files: folder.migrations().filter(isAsked), session, results, options })
      },
      askedFirst(engine.settings.schema),
    ),
  )
}

/** The answer of one question, where that can give it: what is asked of single migrations is checked by the longer way. */
async function upToDate(
  engine: Engine,
  files: () => Promise<readonly Applied[]>,
  session: Session,
  { to, allowLate = [], appRole }: UpOptions,
): Promise<UpToDate | undefined> {
  if (to !== undefined || allowLate.length > 0) return undefined
  const found = await findUpToDate(engine, files, session, appRole)
  return found?.published && !found.adopted ? found : undefined
}
