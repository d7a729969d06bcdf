// `follow`: for a database that another tool goes on migrating. The one-shot after that tool.

import type { HistoryTable } from '../../gate/histories/history.ts'
import { codeOf } from '../../gate/postgres/sqlstate.ts'
import { type FollowedManifest, isFollowed } from '../../gate/protocol/manifest.ts'
import { DeniedError, DivergedError, type NotReadyError, UsageError } from '../errors.ts'
import { compareFollowed, type FollowedMatch, manifestAsked } from '../follow/compare.ts'
import {
  type Installed,
  installSql,
  noteToWrite,
  readInstalled,
  readRights,
  rightsSql,
  triggerSql,
} from '../follow/install.ts'
import { grantToRead } from '../histories/foreign.ts'
import { statementsOnly } from '../ledger/changes.ts'
import { readLedger } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { type AppRolePart, appRoleOf } from '../run/app-role.ts'
import { attempt } from '../run/attempt.ts'
import { type Engine, withSession } from '../run/engine.ts'
import { reading } from '../run/history.ts'
import { RunRecord } from '../run/record.ts'
import { limitsOf, type Run } from '../run/run.ts'
import { withRun } from '../run/with-run.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import { version } from '../version.ts'

/** What `follow` takes. */
export interface FollowOptions {
  /** A manifest's file, in place of the tool's own files. */
  readonly manifestFile?: string | undefined
  /** The role that the app logs in with: it gets its login once the history has all that the manifest has. */
  readonly appRole?: AppRoleOptions | undefined
}

/** How the history stands, and what was installed beside it. */
export interface FollowResult {
  /** The tool's name, as after `--follow`, and how people write it. */
  readonly tool: string
  readonly title: string
  /** `schema.table`. */
  readonly history: string
  /** As gate/histories/compare.ts has them. `unmigrated`: the history says that all is applied, and the tables are gone. */
  readonly state: 'current' | 'behind' | 'ahead' | 'unfinished' | 'unmigrated'
  /** The newest migration that the history has. */
  readonly head: string | null
  /** Names that the history lacks; applied ones of newer builds; and those that no build has published. */
  readonly missing: readonly string[]
  readonly newer: readonly string[]
  readonly unknown: readonly string[]
  /** The history's table tells gates at once that it has changed; else they see it when they next look. */
  readonly notifies: boolean
  /** Why the database does not match, with the exit code that goes with it. */
  readonly error?: DivergedError | NotReadyError
}

/**
 * Compares, and installs what apps ask with. It never changes the history, and waits for none of its tool's locks.
 * @throws UsageError if no tool or no history is found; DivergedError if the history is another one, and nothing was
 *   changed; DeniedError if this role may not read the history, or not grant it to the app's.
 */
export async function follow(engine: Engine, options: FollowOptions = {}): Promise<FollowResult> {
  const manifest = await manifestAsked(engine, options.manifestFile)
  if (!manifest || !isFollowed(manifest))
    throw new UsageError(
      manifest
        ? `The manifest ${options.manifestFile} has migrations of schemagate's own: schemagate check asks for them.`
        : 'Name the tool whose history is followed: --follow TOOL (SCHEMAGATE_FOLLOW) with --dir FOLDER, or --manifest FILE.',
    )
  const role = options.appRole && (await appRoleOf(engine, options.appRole))
  return withSession(engine, async session => {
    const found = await compareFollowed(engine, session, manifest)
    const table = requireTable(found)
    await requireNoLedger(engine, session)
    const installed = await reading(engine, session, () =>
      readInstalled(session, engine.settings.schema, table, manifest),
    )
    const work: Work = { engine, session, manifest, table, role, roleName: options.appRole?.name, found }
    if (await reading(engine, session, () => isDone(work, installed))) return resultOf(work, installed.triggered)
    const record = new RunRecord(engine, 'follow')
    return withRun(engine, session, record, run => install(work, run))
  })
}

interface Work {
  readonly engine: Engine
  readonly session: Session
  readonly manifest: FollowedManifest
  readonly table: HistoryTable
  readonly role: AppRolePart | undefined
  readonly roleName: string | undefined
  readonly found: FollowedMatch
}

function requireTable({ table, notFound, comparison, verdict }: FollowedMatch): HistoryTable {
  if (notFound) throw new UsageError(`${notFound.message} Run its migrations first.`)
  if (comparison?.state === 'diverged') throw new DivergedError(`${verdict.detail} Nothing was changed.`)
  // it was locked for longer than the lock timeout
  if (!table) throw new DivergedError(verdict.detail)
  return table
}

async function requireNoLedger(engine: Engine, session: Session): Promise<void> {
  const { schema } = engine.settings
  const { rows } = await reading(engine, session, () => readLedger(session, schema))
  if (!rows || rows.length === 0) return
  throw new DivergedError(
    `The database has a ledger with ${rows.length} ${rows.length === 1 ? 'migration' : 'migrations'} (${schema}.ledger): schemagate up migrates it. Nothing was changed. ` +
      'To follow another tool beside it, name a schema of its own: --schema NAME.',
  )
}

/** Nothing is to be changed: no lock is taken. */
async function isDone({ engine, session, table, role, roleName, found }: Work, installed: Installed): Promise<boolean> {
  const { schema } = engine.settings
  if (!installed.published || (installed.mayTrigger && !installed.triggered)) return false
  if (found.error) return true
  if ((await noteToWrite(session, schema, table)) !== undefined) return false
  if (!role || roleName === undefined) return true
  return (await readRights(session, table, roleName)).right && (await role.works(session))
}

async function install(work: Work, run: Run): Promise<FollowResult> {
  const { engine, session, manifest, table, role, roleName } = work
  const { schema } = engine.settings
  await role?.prepare(run, true)
  await attempt(run, 'the manifest', () =>
    run.ledger.write(
      [
        statementsOnly(installSql(schema, table, manifest, { runId: run.id, toolVersion: version })),
        run.ledger.change.notified({ event: 'published', head: manifest.head }),
      ],
      { limits: limitsOf(run, {}, false) },
    ),
  )
  if (role && roleName !== undefined) await grantHistory(run, table, roleName)
  const notifies = await notifyOfChanges(run, table, manifest)
  // what has happened since is what counts
  const found = await compareFollowed(engine, session, manifest)
  requireTable(found)
  if (!found.error) await attempt(run, 'the note', () => note(run, table))
  if (role && !found.error) await attempt(run, 'the app role', () => role.ensure(run, true))
  return resultOf({ ...work, found }, notifies)
}

/** Notes where tables are, now that all is applied: their schema may be dropped beside the history. */
async function note({ session, settings, ledger }: Run, table: HistoryTable): Promise<void> {
  const sql = await noteToWrite(session, settings.schema, table)
  if (sql !== undefined) await ledger.write([statementsOnly(sql)])
}

/** The app's role reads the history, and does not change it. */
async function grantHistory(run: Run, table: HistoryTable, role: string): Promise<void> {
  await attempt(run, 'the rights on the history', async () => {
    const { right, mine } = await readRights(run.session, table, role)
    if (right) return
    if (!mine)
      throw new DeniedError(
        `The app's role ${role} may not read ${table.schema}.${table.table}, and this role may not grant it (42501). Grant it, ${grantToRead(table).replaceAll('ROLE', role)}.`,
      )
    await run.ledger.write([statementsOnly(rightsSql(table, role))])
  })
}

/** Milliseconds: while the table is locked, its tool is at work, and nothing is to wait behind this. */
const triggerPatience = 500

/** True if the table has the trigger in the end. Without it gates see a change when they next look. */
async function notifyOfChanges(run: Run, table: HistoryTable, manifest: FollowedManifest): Promise<boolean> {
  const { session, settings, log } = run
  const installed = () => readInstalled(session, settings.schema, table, manifest)
  const { triggered, mayTrigger } = await attempt(run, 'the trigger', installed)
  if (triggered) return true
  const name = `${table.schema}.${table.table}`
  const without = 'gates see a change of it when they next look, within a second'
  if (!mayTrigger) {
    log.info(
      { event: 'no-trigger', table: name },
      `${name} belongs to ${table.owner}, and this role may not put a trigger on it: ${without}`,
    )
    return false
  }
  try {
    await run.ledger.write([statementsOnly(triggerSql(settings.schema, table))], {
      limits: { ...limitsOf(run, {}, false), lockTimeout: triggerPatience },
    })
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || code.startsWith('08') || code.startsWith('57')) throw error
    log.warn(
      { event: 'no-trigger', table: name, err: error },
      `${name} has no trigger yet: ${without}; the next run tries again`,
    )
    return false
  }
}

function resultOf({ table, found }: Work, notifies: boolean): FollowResult {
  const { comparison, emptied, head, error } = found
  const names = (list: readonly { readonly name: string }[] | undefined) => (list ?? []).map(({ name }) => name)
  const { state } = comparison!
  return {
    tool: table.tool.name,
    title: table.tool.title,
    history: `${table.schema}.${table.table}`,
    // a history that diverges is thrown
    state: emptied !== undefined ? 'unmigrated' : state === 'diverged' ? 'ahead' : state,
    head: head ?? null,
    missing: names(comparison?.missing),
    newer: names(comparison?.newer),
    unknown: names(comparison?.unknown),
    notifies,
    ...(error && { error }),
  }
}
