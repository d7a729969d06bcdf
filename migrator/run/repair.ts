// `repair`: an operator's decision about a ledger and files that disagree. It changes the ledger alone, never the schema.

import { randomUUID } from 'node:crypto'
import { UsageError } from '../errors.ts'
import { type Engine, readHistoryOf, withFilesAndSession, withRun } from './engine.ts'
import { atomically, persist } from './persist.ts'
import { publish } from './publish.ts'

export interface RepairOptions {
  /** Accept these migrations' files as they are now. */
  readonly acceptEdited?: readonly string[] | undefined
  /** Forget these migrations, whose files are gone. */
  readonly forgetMissing?: readonly string[] | undefined
}

/** One change of the ledger, before and after; `after` is null if the row is gone. */
export interface Repair {
  readonly migration: string
  readonly before: { readonly checksum: string }
  readonly after: { readonly checksum: string } | null
}

/**
 * Makes all of the changes in one transaction, each only where the history has just that problem, and leaves a trace of
 * each in the ledger. All of them are checked before the first is made.
 * @throws UsageError with every name that has no such problem.
 */
export async function repair(engine: Engine, options: RepairOptions): Promise<Repair[]> {
  const { acceptEdited = [], forgetMissing = [] } = options
  return withFilesAndSession(engine, (files, session) =>
    withRun(engine, session, randomUUID(), async run => {
      const { problems, rows } = await readHistoryOf(run, files)
      const has = (code: string, name: string) => problems.some(p => p.code === code && p.migration === name)
      const wrong = namedTwice([...acceptEdited, ...forgetMissing])
      const repairs: Repair[] = []
      let statements = ''

      for (const name of new Set(acceptEdited)) {
        const file = files.find(f => f.name === name)
        const row = rows.find(r => r.name === name)
        if (!file || !row || !has('edited', name)) {
          wrong.push(`${name} is not edited: its file is what was applied, or there is none.`)
          continue
        }
        statements += run.messages.acceptEdited(name, file.checksum, row.checksum, file.marks.breaking)
        repairs.push({ migration: name, before: { checksum: row.checksum }, after: { checksum: file.checksum } })
      }
      const forgotten: string[] = []
      for (const name of new Set(forgetMissing)) {
        const row = rows.find(r => r.name === name)
        if (!row || !has('missing', name)) {
          wrong.push(`${name} is not missing: it has a file, or was never applied.`)
          continue
        }
        forgotten.push(name)
        repairs.push({ migration: name, before: { checksum: row.checksum }, after: null })
      }
      if (wrong.length > 0) throw new UsageError(`${wrong.join('\n')}\nNothing was changed.`)
      if (forgotten.length > 0) statements += run.messages.forgetMissing(forgotten)
      for (const { migration } of repairs) run.known.forget(migration)
      await persist(run, 'the repair', () => atomically(run, statements))
      await publish(run, files, await readHistoryOf(run, files))
      return repairs
    }),
  )
}

function namedTwice(names: readonly string[]): string[] {
  const repeated = new Set(names.filter((name, i) => names.indexOf(name) !== i))
  return [...repeated].map(name => `${name} is named twice.`)
}
