// The question of `check` and `wait`: does the database match, the files or an app's manifest?

import { judge, list } from '../../gate/protocol/compatibility.ts'
import { unlessEmptied } from '../../gate/protocol/emptied.ts'
import type { LedgerRow as GateRow } from '../../gate/protocol/ledger.ts'
import { isFollowed, type Manifest } from '../../gate/protocol/manifest.ts'
import { DivergedError, NotReadyError } from '../errors.ts'
import type { MigrationsFolder } from '../files/folder.ts'
import { type DatabaseState, isDisagreement, type Problem } from '../ledger/history.ts'
import { type LedgerRow, readLedger } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { type Engine, withFolderAndSession, withSession } from '../run/engine.ts'
import { foreignMessage, readHistory } from '../run/history.ts'
import { withOtherTools } from '../run/other-tools.ts'
import { askedFirst, findUpToDate } from '../run/up-to-date.ts'

/** The answer; `error` says why not, with the exit code that goes with it. */
export interface Match {
  /** In one word: of a manifest as a gate has it, of the files as `status` has it. */
  readonly state: string
  /** The newest migration that the database has; null if there is none. */
  readonly head: string | null
  /** Why it is no; absent where the database matches. */
  readonly error?: DivergedError | NotReadyError
}

/**
 * Asks once. With a manifest it is the app's question, the window: everything the manifest has is applied, and nothing
 * breaking that it does not know. Without one the files and the ledger must be the same. Of a tool that is followed, its
 * history must have all that its files or the manifest have.
 */
export async function check(engine: Engine, manifestFile: string | undefined): Promise<Match> {
  if (manifestFile !== undefined || engine.settings.follow !== undefined) {
    const { manifestAsked } = await import('../follow/compare.ts')
    const manifest = await manifestAsked(engine, manifestFile)
    if (manifest) return checkManifest(engine, manifest)
  }
  const { state, head, pending, problems } = await compareFiles(engine)
  const blocking = problems.filter(isDisagreement)
  const hidden = problems.filter(problem => problem.code === 'row-security')
  const error =
    state === 'foreign'
      ? new DivergedError(foreignMessage({ problems }))
      : blocking.length > 0
        ? new DivergedError(
            `The ledger and the migration files disagree.\n${blocking.map(p => `- ${p.code}: ${p.message}`).join('\n')}`,
          )
        : pending.length > 0
          ? new NotReadyError(`Migrations are pending: ${list(pending)}. Apply them: schemagate up`)
          : hidden.length > 0
            ? new NotReadyError(hidden.map(problem => problem.message).join('\n'))
            : undefined
  return { state, head, ...(error && { error }) }
}

interface FilesAndLedger {
  readonly state: DatabaseState
  readonly head: string | null
  readonly pending: readonly string[]
  readonly problems: readonly Problem[]
}

/** One question where the answer is yes; the longer way says why it is not. */
async function compareFiles(engine: Engine): Promise<FilesAndLedger> {
  const compare = async (reading: Promise<MigrationsFolder>, session: Session): Promise<FilesAndLedger> => {
    const found = await findUpToDate(engine, reading, session)
    if (found && !found.adopted) return { state: 'current', head: found.head, pending: [], problems: [] }
    const files = (await reading).migrations()
    const read = await readHistory(engine, files, session)
    const { state, head, pending, problems } = await withOtherTools(engine, files, session, read)
    return { state, head, pending: pending.map(p => p.name), problems }
  }
  return withFolderAndSession(engine, compare, askedFirst(engine.settings.schema))
}

/** The same of a manifest's file, or of the tool that is followed. */
async function checkManifest(engine: Engine, manifest: Manifest): Promise<Match> {
  if (isFollowed(manifest)) {
    const { compareFollowed } = await import('../follow/compare.ts')
    const { verdict, comparison, emptied, head, error } = await withSession(engine, session =>
      compareFollowed(engine, session, manifest),
    )
    const state = (emptied === undefined && comparison?.state) || verdict.state
    return { state, head: head ?? null, ...(error && { error }) }
  }
  // as a gate does it: a newer ledger keeps the meaning of what an app reads
  const { schema } = engine.settings
  const { rows, emptied } = await withSession(engine, session => readLedger(session, schema, { anyVersion: true }))
  const verdict = judge(manifest, rows?.map(windowRow) ?? null)
  const { state, detail } = unlessEmptied(verdict, emptied, schema)
  const head = rows?.findLast(row => row.state === 'applied' && row.kind !== 'repeatable')?.name ?? null
  if (state === 'open') return { state, head }
  const error = state === 'diverged' || state === 'too-old' ? new DivergedError(detail) : new NotReadyError(detail)
  return { state, head, error }
}

function windowRow(row: LedgerRow): GateRow {
  return { ...row, earlier: row.journal?.earlier ?? null }
}

/** The exit code that `check` gives for a state of the files' question. */
export function exitCodeOf({ state, problems }: { state: DatabaseState; problems: readonly Problem[] }): 6 | 7 | 0 {
  if (state === 'diverged' || state === 'ahead' || state === 'foreign') return 6
  return state === 'current' && problems.every(problem => problem.code !== 'row-security') ? 0 : 7
}
