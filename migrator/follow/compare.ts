// Which manifest a command compares with, and the history of a followed tool compared with it.

import { Followed, type FollowedAnswer, HistoryUnreadableError } from '../../gate/protocol/followed.ts'
import {
  type FollowedManifest,
  isFollowed,
  type Manifest,
  ManifestError,
  readManifest,
} from '../../gate/protocol/manifest.ts'
import { DeniedError, DivergedError, NotReadyError, UsageError } from '../errors.ts'
import { grantToRead } from '../histories/foreign.ts'
import type { Session } from '../postgres/session.ts'
import { type Engine, folderOptions } from '../run/engine.ts'
import { reading } from '../run/history.ts'
import { followedManifest } from './manifest.ts'

/**
 * The manifest that is meant: of a file, or made from the files of the tool that `--follow` names. Undefined: neither is
 * given, so that it is the files of schemagate's own migrations.
 * @throws UsageError if the file is no manifest, or another tool's than `--follow` says; else as `readFollowed`.
 */
export async function manifestAsked(
  { settings, log }: Pick<Engine, 'settings' | 'log'>,
  file: string | undefined,
): Promise<Manifest | undefined> {
  const { follow, history } = settings
  if (file === undefined)
    return follow === undefined ? undefined : followedManifest(settings, folderOptions(settings, log))
  const manifest = readManifestFile(file)
  if (follow === undefined || (isFollowed(manifest) && manifest.follow.tool === follow))
    return isFollowed(manifest) && history !== undefined
      ? { ...manifest, follow: { ...manifest.follow, history } }
      : manifest
  const whose = isFollowed(manifest) ? manifest.follow.tool : 'schemagate'
  throw new UsageError(`--follow ${follow}: the manifest ${file} has migrations of ${whose}.`)
}

/** What the operator named is wrong: that is a matter of the command line here. */
function readManifestFile(file: string): Manifest {
  try {
    return readManifest(file)
  } catch (error) {
    throw error instanceof ManifestError ? new UsageError(error.message, { cause: error }) : error
  }
}

export interface FollowedMatch extends FollowedAnswer {
  /** Why the database does not match, with the exit code that goes with it. */
  readonly error?: DivergedError | NotReadyError
}

/**
 * Holds the history against the manifest.
 * @throws UsageError if the table is another one or there are several; DeniedError if this role may not read it.
 */
export async function compareFollowed(
  engine: Engine,
  session: Session,
  manifest: FollowedManifest,
): Promise<FollowedMatch> {
  const followed = new Followed(manifest, engine.settings.schema)
  const answer = await reading(engine, session, () => followed.read(session)).catch((error: unknown) => {
    if (!(error instanceof HistoryUnreadableError)) throw error
    throw new DeniedError(`${error.message} Grant it, ${grantToRead(error.table)}.`, { cause: error })
  })
  if (answer.notFound?.why === 'wrong') throw new UsageError(answer.notFound.message)
  const error = errorOf(answer)
  return { ...answer, ...(error && { error }) }
}

function errorOf({ verdict, comparison, emptied }: FollowedAnswer): DivergedError | NotReadyError | undefined {
  if (emptied !== undefined) return new NotReadyError(verdict.detail)
  if (comparison?.state === 'current') return undefined
  const isUnknown = comparison?.state === 'ahead' || verdict.state === 'diverged'
  return isUnknown ? new DivergedError(verdict.detail) : new NotReadyError(verdict.detail)
}
