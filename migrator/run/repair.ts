// `repair`: an operator's decision about a ledger and files that disagree. It changes the ledger alone, never the schema.

import { randomUUID } from 'node:crypto'
import { UsageError } from '../errors.ts'
import { readRow } from '../ledger/read.ts'
import { type Engine, readHistoryOf, withFilesAndSession, withRun } from './engine.ts'
import { atomically, persist } from './persist.ts'
import { publish } from './publish.ts'

export interface RepairOptions {
  /** Accept this migration's file as it is now. */
  readonly acceptEdited?: string | undefined
  /** Forget this migration, whose file is gone. */
  readonly forgetMissing?: string | undefined
}

/** One change of the ledger, before and after; `after` is null if the row is gone. */
export interface Repair {
  readonly migration: string
  readonly before: { readonly checksum: string }
  readonly after: { readonly checksum: string } | null
}

/**
 * Makes the changes, each only where the history has just that problem, and leaves a trace of each in the ledger.
 * @throws UsageError if the history has no such problem.
 */
export async function repair(engine: Engine, options: RepairOptions): Promise<Repair[]> {
  return withFilesAndSession(engine, (files, session) =>
    withRun(engine, session, randomUUID(), async run => {
      const { problems } = await readHistoryOf(run, files)
      const has = (code: string, name: string) => problems.some(p => p.code === code && p.migration === name)
      const repairs: Repair[] = []
      let statements = ''

      const { acceptEdited, forgetMissing } = options
      if (acceptEdited !== undefined) {
        const file = files.find(f => f.name === acceptEdited)
        const row = await readRow(session, engine.settings.schema, acceptEdited)
        if (!file || !row || !has('edited', acceptEdited))
          throw new UsageError(
            `${acceptEdited} is not edited: its file is what was applied, or there is none. Nothing was changed.`,
          )
        statements += run.messages.acceptEdited(acceptEdited, file.checksum, row.checksum, file.marks.breaking)
        repairs.push({
          migration: acceptEdited,
          before: { checksum: row.checksum },
          after: { checksum: file.checksum },
        })
      }
      if (forgetMissing !== undefined) {
        const row = await readRow(session, engine.settings.schema, forgetMissing)
        if (!row || !has('missing', forgetMissing))
          throw new UsageError(
            `${forgetMissing} is not missing: it has a file, or was never applied. Nothing was changed.`,
          )
        statements += run.messages.forgetMissing(forgetMissing, row.checksum)
        repairs.push({ migration: forgetMissing, before: { checksum: row.checksum }, after: null })
      }
      run.known.forget(acceptEdited ?? '')
      run.known.forget(forgetMissing ?? '')
      await persist(run, 'the repair', () => atomically(run, statements))
      await publish(run, files, await readHistoryOf(run, files))
      return repairs
    }),
  )
}
