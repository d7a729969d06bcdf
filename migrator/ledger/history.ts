// History: the migration files held against the ledger's rows.

import type { Migration } from '../files/migration.ts'
import { compareMigrations } from '../files/order.ts'
import type { LedgerRow } from './read.ts'

export type ProblemCode = 'edited' | 'missing' | 'out-of-order' | 'interrupted'

export interface Problem {
  readonly code: ProblemCode
  readonly migration: string
  readonly message: string
}

/**
 * `ahead`: the database has migrations newer than all of these files, and is otherwise as they say.
 * `empty`: nothing was ever applied.
 */
export type DatabaseState = 'current' | 'pending' | 'diverged' | 'ahead' | 'empty'

export interface History {
  readonly state: DatabaseState
  /** The newest migration that the database has; repeatable ones do not count. */
  readonly head: string | null
  readonly applied: readonly LedgerRow[]
  /** Applied or half-way there. */
  readonly rows: readonly LedgerRow[]
  readonly pending: readonly Migration[]
  readonly problems: readonly Problem[]
}

/** Holds files against rows. Pure; `rows` undefined is a database without a ledger. */
export function compareHistory(files: readonly Migration[], rows: readonly LedgerRow[] | undefined = []): History {
  const byName = new Map(files.map(file => [file.name, file]))
  const rowOf = new Map(rows.map(row => [row.name, row]))
  const applied = rows.filter(row => row.state === 'applied')
  const pending = files.filter(file => isPending(file, rowOf.get(file.name)))
  const problems: Problem[] = []

  const unknown = rows.filter(row => !byName.has(row.name))
  const lastKnown = rows.findLast(row => byName.has(row.name))
  const ahead =
    unknown.length > 0 &&
    lastKnown !== undefined &&
    pending.length === 0 &&
    unknown.every(row => row.position > lastKnown.position)
  const newestFile = files.findLast(file => file.kind !== 'repeatable') ?? files.at(-1)
  for (const row of unknown)
    problems.push({
      code: 'missing',
      migration: row.name,
      message: ahead
        ? `${row.name} is applied, but newer than all of these files (the newest is ${newestFile?.name}): the database is ahead of them. Use the release that has it, or --allow-ahead if older apps can live with it.`
        : `${row.name} is applied, but there is no such file. Restore the file, or if it is gone for good: schemagate repair --forget-missing ${shellWord(row.name)}`,
    })

  for (const row of rows) {
    const file = byName.get(row.name)
    if (!file) continue
    if (row.state === 'running')
      problems.push({
        code: 'interrupted',
        migration: row.name,
        message: row.journal?.reverting
          ? `${row.name} was being reverted, and that was not finished. \`schemagate down --yes\` goes on with it; \`schemagate up\` finishes it and applies it anew.`
          : `${row.name} was begun and not finished; ${row.journal?.done?.length ?? 0} of its steps are done. \`schemagate up\` goes on from there.`,
      })
    else if (row.checksum !== file.checksum && file.kind !== 'repeatable')
      problems.push({
        code: 'edited',
        migration: row.name,
        message: `${file.file} was changed after it was applied. Undo the change and write a new migration; or, if the database already is as the file says: schemagate repair --accept-edited ${shellWord(row.name)}`,
      })
  }

  const newestApplied = files.findLast(file => file.kind !== 'repeatable' && rowOf.has(file.name))
  if (newestApplied)
    for (const file of pending) {
      if (file.kind === 'repeatable' || rowOf.has(file.name) || compareMigrations(file, newestApplied) > 0) continue
      problems.push({
        code: 'out-of-order',
        migration: file.name,
        message: `${file.name} is not applied, but comes before ${newestApplied.name}, which is. Rename it so that it comes last.`,
      })
    }

  const blocking = problems.some(problem => problem.code !== 'interrupted')
  const edited = problems.some(problem => problem.code === 'edited')
  return {
    state:
      ahead && !edited
        ? 'ahead'
        : blocking
          ? 'diverged'
          : rows.length === 0
            ? 'empty'
            : pending.length > 0
              ? 'pending'
              : 'current',
    head: (applied.findLast(row => row.kind !== 'repeatable') ?? applied.at(-1))?.name ?? null,
    applied,
    rows,
    pending,
    problems,
  }
}

function isPending(file: Migration, row: LedgerRow | undefined): boolean {
  if (!row || row.state === 'running') return true
  return file.kind === 'repeatable' && row.checksum !== file.checksum
}

/** A name as one word of a shell command that a person may copy. */
export function shellWord(name: string): string {
  return /^[\w.@%+=:,/-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}
