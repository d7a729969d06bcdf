// `status` where another tool migrates: its history, held against its files or a manifest.

import { readHistory } from '../../gate/histories/index.ts'
import type { FollowedManifest } from '../../gate/protocol/manifest.ts'
import type { DatabaseState, Problem } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import type { Engine } from '../run/engine.ts'
import { reading } from '../run/history.ts'
import { isoTimeOf } from '../text/iso-time.ts'
import { compareFollowed, type FollowedMatch } from './compare.ts'

/** The part of a status that comes from the history. */
export interface FollowedStatus {
  readonly state: DatabaseState
  readonly head: string | null
  readonly applied: readonly FollowedRow[]
  readonly pending: readonly {
    readonly name: string
    readonly kind: 'followed'
    readonly transaction: null
    readonly breaking: false
  }[]
  readonly problems: readonly Problem[]
  readonly follow: { readonly tool: string; readonly history: string | null }
}

/** An applied migration; null is what the history does not tell. */
interface FollowedRow {
  readonly name: string
  readonly checksum: null
  readonly kind: 'followed'
  readonly appliedAt: string | null
  readonly durationMs: null
}

/** Holds the history against the manifest; changes nothing. @throws DeniedError if the history may not be read. */
export async function followedStatus(
  engine: Engine,
  session: Session,
  manifest: FollowedManifest,
): Promise<FollowedStatus> {
  const match = await compareFollowed(engine, session, manifest)
  const { table, comparison, head } = match
  const history = table && (await reading(engine, session, () => readHistory(session, table)))
  const times = new Map(history?.entries.map(({ key, appliedAt }) => [key, appliedAt]))
  const row = (name: string, key: string): FollowedRow => ({
    name,
    checksum: null,
    kind: 'followed',
    appliedAt: isoTimeOf(times.get(key)),
    durationMs: null,
  })
  return {
    state: stateOf(match),
    head: head ?? null,
    applied: [...(comparison?.applied ?? []), ...(comparison?.newer ?? []), ...(comparison?.unknown ?? [])].map(
      ({ name, key }) => row(name, key),
    ),
    pending: (comparison?.missing ?? manifest.migrations).map(({ name }) => ({
      name,
      kind: 'followed',
      transaction: null,
      breaking: false,
    })),
    problems: problemsOf(match, history?.unfinished ?? []),
    follow: {
      tool: manifest.follow.tool,
      history: table ? `${table.schema}.${table.table}` : null,
    },
  }
}

function stateOf({ comparison, verdict }: FollowedMatch): DatabaseState {
  if (!comparison || verdict.state === 'unmigrated') return 'empty'
  if (comparison.state === 'behind' || comparison.state === 'unfinished') return 'pending'
  return comparison.state
}

function problemsOf(
  { comparison, emptied, error, verdict }: FollowedMatch,
  unfinished: readonly { readonly name: string; readonly message: string }[],
): Problem[] {
  const { unknown = [] } = comparison ?? {}
  const [first] = unknown
  return [
    ...unfinished.map(({ name, message }) => ({ code: 'interrupted' as const, migration: name, message })),
    ...(emptied === undefined ? [] : [{ code: 'emptied' as const, migration: null, message: verdict.detail }]),
    // one sentence for all of them
    ...(emptied === undefined && error && first
      ? [{ code: 'missing' as const, migration: first.name, message: verdict.detail }]
      : []),
  ]
}
