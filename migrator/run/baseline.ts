// `baseline`: for a database that had its schema before it had a ledger.

import { randomUUID } from 'node:crypto'
import { DivergedError, UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { type Engine, readHistoryOf, withFilesAndSession, withRun } from './engine.ts'
import { persist } from './persist.ts'
import { publish } from './publish.ts'

/**
 * Records everything up to and with `name` as applied, without running it; returns the names recorded. What is recorded
 * already stays as it is.
 * @throws UsageError if there is no such migration, DivergedError if the ledger and the files disagree.
 */
export async function baseline(engine: Engine, name: string): Promise<string[]> {
  return withFilesAndSession(engine, async (files, session) => {
    const index = files.findIndex(file => file.name === name)
    if (index === -1) {
      const guess = nearest(
        name,
        files.map(file => file.name),
      )
      throw new UsageError(`There is no migration ${name}.${guess ? ` Did you mean ${guess}?` : ''}`)
    }
    return withRun(engine, session, randomUUID(), async run => {
      const history = await readHistoryOf(run, files)
      const wrong = history.problems.filter(problem => problem.code !== 'out-of-order')
      if (wrong.length > 0)
        throw new DivergedError(`Nothing was recorded.\n${wrong.map(p => `- ${p.code}: ${p.message}`).join('\n')}`)
      const recorded = new Set(history.rows.map(row => row.name))
      const missing = files.slice(0, index + 1).filter(file => !recorded.has(file.name) && file.kind !== 'repeatable')
      const rows = missing.map(({ name, checksum, marks }) =>
        run.messages.recordBaseline({ name, checksum, breaking: marks.breaking }),
      )
      await persist(
        run,
        'the baseline',
        () => session.script(`begin;${run.messages.lockGuard()}${rows.join('')}commit`).done,
      )
      await publish(run, files, await readHistoryOf(run, files))
      return missing.map(file => file.name)
    })
  })
}
