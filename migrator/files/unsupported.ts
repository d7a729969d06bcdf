// Files that schemagate cannot run as another tool would: each is refused, with the way out.

import { basename } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Named } from './file-name.ts'
import type { Migration } from './migration.ts'
import { tools } from './tools/index.ts'

const refusedNames = tools.flatMap(tool => tool.refusedNames ?? [])

/** Why a file of this name, which is no migration, is not just left out; undefined: it is. */
export function unsupportedName(fileName: string): string | undefined {
  return refusedNames.find(({ pattern }) => pattern.test(fileName))?.what
}

// the last word is what Ory writes for no transaction
const otherDatabase = /\.(mysql|mariadb|sqlite3?|cockroach(?:db)?|mssql|sqlserver|oracle)(?:\.autocommit)?$/i
const forPostgres = /^(.+)\.postgres(?:ql)?(?:\.autocommit)?$/is

const contents = tools.flatMap(tool => tool.contents ?? [])

/**
 * @param names of all migrations of the folder.
 * @throws UsageError on a file of either direction that is for another database, as its name says.
 */
export function refuseOtherDatabase(name: string, file: string, names: () => readonly string[]): void {
  const databaseOf = (text: string) => otherDatabase.exec(text)?.[1]
  const database = databaseOf(name)
  if (database === undefined) return
  const databases = new Set([database, ...names().flatMap(other => databaseOf(other) ?? [])])
  const ignored = [...databases].map(other => `--ignore '*.${other}*'`).join(' ')
  throw new UsageError(
    `${file} is for another database (${database}), as its name says. Leave only what is for Postgres in the migrations folder; or leave the others out: ${ignored}`,
  )
}

/** @throws UsageError on a migration whose text only another tool can run. */
export function refuseUnsupported(file: string, source: string): void {
  const content = contents.find(({ isIn }) => isIn(source))
  if (content) throw new UsageError(`${file} ${content.what}`)
}

/** Of RoundhousE and grate: `0002_users.TEST.ENV.sql`, `0002_users.ENV.TEST.sql`. */
const environment = /\.ENV\.(?:.*\.)?sql$/i

/** Of the same: `0002_grants.EVERYTIME.sql`, `everytime.0002_grants.sql`. */
const everyTime = /(?:^|\.)everytime\..*sql$/i

/** The migration, with the doubt that its own tool runs it in one environment alone, or each time, where its name says so. */
export function withDoubtOfName(migration: Migration): Migration {
  const { file, doubt } = migration
  const name = basename(file)
  if (doubt !== undefined) return migration
  if (environment.test(name))
    return {
      ...migration,
      doubt:
        `${file} is for one environment alone, as RoundhousE and grate read its name, and would be run in every one. ` +
        `Leave it out with --ignore '${name}'; or, if it is to be run: rename it, or --layout native.`,
    }
  if (everyTime.test(name))
    return {
      ...migration,
      doubt:
        `${file} is run each time, as RoundhousE and grate read its name, and would be run once. ` +
        'Name it R__NAME.sql, to have it run whenever it changes; or, if once is enough: rename it, or --layout native.',
    }
  return migration
}

// the last number is that of a part
const undoName = /^(.+)([._-])(?:down|undo|rollback|revert)((?:\.\d+)?)$/is

/**
 * Looks for files that undo another one, by names that other tools give them: `1-users-up` and `1-users-down`
 * (db-migrate), `1.do.users` and `1.undo.users` (postgrator), `1.users` and `1.users.rollback` (yoyo), `1.users.up.1` and
 * `1.users.down.1` (ragtime).
 * @throws UsageError because each would be run right after what it undoes.
 */
export function refuseUndoFiles(migrations: ReadonlyMap<string, Migration>): void {
  for (const { name, file, layout } of migrations.values()) {
    if (layout !== 'native') continue
    const [, stem = '', separator, part] = undoName.exec(name) ?? []
    const ups = [stem, `${stem}${separator}up${part}`, `${stem}${separator}do${part}`, `${stem}${separator}up.1`]
    const up = ups.find(other => migrations.has(other))
    if (up === undefined) continue
    throw new UsageError(
      `${file} looks as if it undoes ${up}, but by its name it is a migration of its own, and would be run right after that. ` +
        `Name such two files 0001_users.up.sql and 0001_users.down.sql; or, if it is not to be run, leave out all like it: --ignore '*${name.slice(stem.length)}.sql'`,
    )
  }
}

/**
 * Looks for files beside a general form of themselves: `1_a.postgres` and `1_a`, or `1_a.autocommit` (Ory, Pop).
 * @throws UsageError because up would run both, and down either, where their own tool takes the first in place of the second.
 */
export function refuseGeneralForms({ ups, downs }: { readonly ups: Halves; readonly downs: Halves }): void {
  const pairs = [...pairsOfForms(ups), ...pairsOfForms(downs)]
  const [first] = pairs
  if (!first) return
  const ignored = new Set(pairs.map(pair => `--ignore '${leavingOut(pair.general.file, pairs)}'`))
  throw new UsageError(
    `${first.own.file} is ${first.general.named.name} for Postgres, and ${first.general.file} is for other databases; their own tool runs only the first. ` +
      `Leave only what is for Postgres in the migrations folder; or leave the other${pairs.length > 1 ? 's' : ''} out: ${[...ignored].join(' ')}`,
  )
}

interface Half {
  readonly named: Named
  readonly file: string
}

type Halves = ReadonlyMap<string, Half>

interface Forms {
  readonly own: Half
  readonly general: Half
}

function pairsOfForms(halves: Halves): readonly Forms[] {
  return [...halves].flatMap(([name, own]) => {
    const stem = forPostgres.exec(name)?.[1]
    const general = stem === undefined ? undefined : (halves.get(stem) ?? halves.get(`${stem}.autocommit`))
    return general ? [{ own, general }] : []
  })
}

/** A glob for the file; and for that of the other direction, if that one is left out as well. */
function leavingOut(file: string, pairs: readonly Forms[]): string {
  const leftOut = new Set(pairs.map(({ general }) => general.file))
  const stem = /^(.+)\.(?:up|down)\.sql$/s.exec(file)?.[1]
  const isBoth = leftOut.has(`${stem}.up.sql`) && leftOut.has(`${stem}.down.sql`)
  return isBoth ? `${basename(stem!)}.@(up|down).sql` : basename(file)
}
