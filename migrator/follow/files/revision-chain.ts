// Alembic's revisions in the order of a run, each with those on which it is built; refused where Alembic would refuse them.

import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'

export interface Revision {
  readonly file: string
  readonly revision: string
  readonly down: readonly string[]
  /** Revisions or labels of branches. */
  readonly depends: readonly string[]
  readonly labels: readonly string[]
}

/** @throws UsageError on a revision that is there twice, one that is missing, and circles. */
export function revisionChain(revisions: readonly Revision[]): readonly FollowedMigration[] {
  const byName = new Map<string, Revision>()
  for (const one of revisions) {
    const other = byName.get(one.revision)
    if (other)
      throw new UsageError(
        `${other.file} and ${one.file} have the same revision ${one.revision}; which of them Alembic takes, chance decides. Remove one of them; or, where it is for another database, leave it out: --ignore.`,
      )
    byName.set(one.revision, one)
  }
  const ofLabel = new Map(revisions.flatMap(one => one.labels.map(label => [label, one.revision])))
  const after = new Map(revisions.map(one => [one.revision, builtOn(one, byName, ofLabel)]))
  const order = inOrder(revisions, after)
  return order.map(revision => ({
    key: revision,
    name: nameOf(byName.get(revision)!),
    // an empty list is left out of a manifest
    ...(after.get(revision)!.length > 0 && { after: after.get(revision)! }),
  }))
}

function builtOn(
  { file, revision, down, depends }: Revision,
  byName: ReadonlyMap<string, unknown>,
  ofLabel: ReadonlyMap<string, string>,
): readonly string[] {
  const missing = down.find(name => !byName.has(name))
  if (missing !== undefined)
    throw new UsageError(
      `${file}: revision ${revision} is built on ${missing}, which is in none of the files. Restore that file; or name the folder of the whole project with --dir, if its revisions are in several folders.`,
    )
  const needed = depends.map(name => {
    const found = byName.has(name) ? name : ofLabel.get(name)
    if (found === undefined)
      throw new UsageError(
        `${file}: revision ${revision} depends on ${name}, which is neither a revision of these files nor a branch label that can be read from them.`,
      )
    return found
  })
  return [...new Set([...down, ...needed])]
}

/** Each behind all on which it is built, otherwise in the order of the files. */
function inOrder(revisions: readonly Revision[], after: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const waiting = new Map([...after].map(([revision, others]) => [revision, others.length]))
  const next = new Map<string, string[]>()
  for (const [revision, others] of after)
    for (const other of others) next.set(other, [...(next.get(other) ?? []), revision])
  const ready = revisions.map(one => one.revision).filter(revision => waiting.get(revision) === 0)
  const order: string[] = []
  for (let revision = ready.shift(); revision !== undefined; revision = ready.shift()) {
    order.push(revision)
    for (const one of next.get(revision) ?? []) {
      const left = waiting.get(one)! - 1
      waiting.set(one, left)
      if (left === 0) ready.push(one)
    }
  }
  if (order.length < revisions.length) {
    const circle = revisions.filter(one => waiting.get(one.revision)! > 0).map(one => one.revision)
    throw new UsageError(
      `The revisions ${circle.slice(0, 5).join(', ')}${circle.length > 5 ? `, and ${circle.length - 5} more` : ''} are built on each other in a circle, or on one that is. Alembic refuses that (CycleDetected): correct a down_revision or depends_on.`,
    )
  }
  return order
}

/** The file's name without its ending, which has the revision and what it does. */
function nameOf({ file, revision }: Revision): string {
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.py$/, '')
  return name.includes(revision) ? name : `${revision} (${name})`
}
