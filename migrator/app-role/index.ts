// The app's login role: without login before the first migration, so that migrations may name it; with login only after a
// successful run, so that before it no app can connect; and given no more than an app needs.

import type pg from 'pg'
import { didYouMean } from '../../gate/did-you-mean.ts'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { RefusedError, UsageError } from '../errors.ts'
import { ledgerIsReadOnly } from '../ledger/rights.ts'
import { Script } from '../postgres/script.ts'
import { type Memory, memoryDdl, readMemory, rememberSchemas } from './memory.ts'
import { logsIn, passwordIsSet, prepared } from './password.ts'
import { denied, tooMuch } from './refusals.ts'
import { scramVerifier } from './scram.ts'
import { settingNotes } from './settings.ts'
import { bounded, lackingDefaults, type SetUpOptions, setUp } from './setup.ts'
import { type RoleState, readRoleState } from './state.ts'
import { alterRole, createRole, ledgerStatements, roleNotes } from './statements.ts'

export interface AppRole {
  /** The role's name. */
  readonly role: string
  readonly password: string
  /** The ledger's schema: the app reads it, and may change nothing there. */
  readonly schema: string
  /** The schemas in which it is given rights; undefined is all, less ledgers. */
  readonly schemas?: readonly string[] | undefined
}

/** When in a run the role is looked after. */
export interface Stage {
  /** `before` the first migration the role is made without login; `after` the last it may log in. */
  readonly at: 'before' | 'after'
  /** The ledger had migrations before this run: what is there is what they made. */
  readonly migrated: boolean
}

export interface AppRoleReport {
  readonly created: boolean
  readonly passwordSet: boolean
  /** How many statements on rights were needed. */
  readonly granted: number
  /** What could not be done from this connection, or may keep the app from working: for the log. */
  readonly notes: readonly string[]
}

// NAMEDATALEN - 1. Postgres would cut a longer name silently.
const MAX_NAME_BYTES = 63
const RESERVED = /^(pg_|public$|none$|current_user$|current_role$|session_user$)/i

// Roles belong to the whole server: the migrator of another database may make or change the same one at this moment.
const CLASHES = new Set(['23505', '42710', '40001', '40P01'])
const CLASH_WITHOUT_A_CODE = /tuple concurrently (updated|deleted)/
const ATTEMPTS = 5

/**
 * Checks what can be checked without a database, so that all problems with settings are reported at once.
 * @throws UsageError for a name or a password that cannot be used.
 */
export function checkAppRole({ role, password }: Pick<AppRole, 'role' | 'password'>): void {
  const name = JSON.stringify(role)
  if (role === '' || role.includes('\0') || Buffer.byteLength(role) > MAX_NAME_BYTES) {
    throw new UsageError(`The app's role ${name} is not a name: it needs 1 to ${MAX_NAME_BYTES} bytes.`)
  }
  if (RESERVED.test(role)) throw new UsageError(`The app's role ${name} is a reserved name: choose another.`)
  prepared(password)
}

/**
 * Makes or updates the app's role in one transaction on an idle connection. Does nothing where nothing is to be done.
 *
 * Before the first migration: the role, without login; the ledger to read; and, once for each ledger, rights on what is
 * there and default privileges for what comes (setup.ts). What is taken away later is not given again. After the
 * last: login, and the password as a SCRAM verifier.
 *
 * @throws UsageError for an unusable name or password, or when the role is the owner that migrates.
 * @throws RefusedError before the first migration, when an existing role may do more than an app should and it is not ours
 * to take that away. Afterwards that is a note.
 * @throws DeniedError when this connection may not make or change roles.
 */
export async function ensureAppRole(client: pg.Client, app: AppRole, stage: Stage): Promise<AppRoleReport> {
  checkAppRole(app)
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('begin')
      const report = await putRight(client, app, stage)
      await client.query('commit')
      return report
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (isClash(error) && attempt < ATTEMPTS) continue
      throw codeOf(error) === sqlstate.insufficientPrivilege ? denied(app.role, client.user, error) : error
    }
  }
}

export interface AppRoleCheck {
  /** There is nothing for `ensureAppRole` to do. */
  readonly works: boolean
  /** What may keep the app from working all the same, for the log. */
  readonly notes: readonly string[]
}

/**
 * Is there nothing for `ensureAppRole` to do? Changes nothing and needs no lock: the role is as it should be, and the
 * password is the one that it logs in with. A superuser compares verifiers; others try to log in.
 * @throws UsageError and RefusedError as `ensureAppRole` does.
 */
export async function checkRole(client: pg.Client, app: AppRole): Promise<AppRoleCheck> {
  checkAppRole(app)
  await client.query('begin read only')
  let state: RoleState
  let works: boolean
  try {
    state = await readRoleState(client, app.role, app.schema)
    const why = tooMuch(app.role, state)
    if (why !== undefined) throw new RefusedError(why)
    works =
      state.role !== null &&
      alterRole(app.role, state.role, undefined) === undefined &&
      state.remembers &&
      ledgerStatements(app.role, state).length === 0
    if (works) {
      const memory = await readMemory(client, app.schema, app.role, app.schemas)
      works = memory?.replaced.length === 0 && memory.added.length === 0
    }
    if (works && state.readsPasswords) works = await passwordIsSet(client, app)
  } finally {
    await client.query('rollback')
  }
  if (works && !state.readsPasswords) works = await logsIn(client, app)
  return { works, notes: works ? allNotes(app, state) : [] }
}

async function putRight(client: pg.ClientBase, app: AppRole, { at, migrated }: Stage): Promise<AppRoleReport> {
  let state = await readRoleState(client, app.role, app.schema)
  const why = tooMuch(app.role, state)
  if (why !== undefined && at === 'before') throw new RefusedError(why)
  const notes: string[] = []
  const created = state.role === null
  if (created) {
    await send(client, createRole(app.role))
    state = await readRoleState(client, app.role, app.schema)
  }
  const statements: string[] = []
  if (!state.remembers) await send(client, memoryDdl(app.schema) + ledgerIsReadOnly(app.schema))
  const memory = await readMemory(client, app.schema, app.role, app.schemas)
  if (memory?.replaced.length) statements.push(rememberSchemas(app.schema, app.role, memory.grants, memory.replaced))
  for (const { schemas, again } of toSetUp(app, memory, state)) {
    const upgraded = again === undefined && state.readsLedger
    const done = await setUp(client, { ...app, schemas, migrated, again }, upgraded)
    statements.push(...done.statements)
    notes.push(...done.notes)
    if (again === 'database' || again === 'lost')
      notes.push(
        `The role ${app.role} has nothing of what it was given ${again === 'lost' ? `in ${bounded(schemas ?? [])}` : 'in this database'}, which was restored without its access lists: it is given its rights again, also those that migrations or an operator had taken away. Take those away again, or restore with the access lists (pg_restore without --no-acl).`,
      )
  }
  if (memory && at === 'before') statements.push(...(await lackingDefaults(client, app.schema, app.role)))
  if (statements.length > 0) {
    await send(client, statements.join(';\n'))
    state = await readRoleState(client, app.role, app.schema)
  }
  const onLedger = ledgerStatements(app.role, state)
  if (onLedger.length > 0) await send(client, onLedger.join(';\n'))
  const passwordSet = await setAttributes(client, app, state, at, created)
  if (at === 'after') {
    if (why !== undefined) notes.push(`${why} The next run will refuse it.`)
    notes.push(...allNotes(app, await readRoleState(client, app.role, app.schema)))
  }
  return { created, passwordSet, granted: statements.length + onLedger.length, notes }
}

/** In which schemas the role is to be set up, and why again; undefined schemas are all. */
function toSetUp(
  { schemas }: AppRole,
  memory: Memory | undefined,
  { readsLedger }: RoleState,
): readonly Pick<SetUpOptions, 'schemas' | 'again'>[] {
  if (memory === undefined) return [{ schemas }]
  if (!memory.grants) return []
  if (!readsLedger && !memory.hasDefaults) return [{ schemas: schemas ?? memory.schemas, again: 'database' }]
  const isWanted = (name: string) => schemas?.includes(name) ?? true
  const lost = memory.replaced.flatMap(({ name, given }) => (!given && isWanted(name) ? [name] : []))
  const all = [
    { schemas: lost, again: 'lost' },
    { schemas: memory.added, again: 'added' },
  ] as const
  return all.filter(part => part.schemas.length > 0)
}

/** Gives login and password. Before the migrations it is only tried, so that a refusal comes before any change. */
async function setAttributes(
  client: pg.ClientBase,
  app: AppRole,
  { role, readsPasswords, scramIterations }: RoleState,
  at: Stage['at'],
  created: boolean,
): Promise<boolean> {
  if (role === null || (created && at === 'before')) return false
  const passwordSet = !(readsPasswords && (await passwordIsSet(client, app)))
  const verifier = passwordSet ? await scramVerifier(prepared(app.password), scramIterations ?? undefined) : undefined
  const statement = alterRole(app.role, role, verifier)
  if (statement === undefined) return false
  if (at === 'after') await send(client, statement)
  else await send(client, `savepoint trial; ${statement}; rollback to trial; release trial`)
  return passwordSet && at === 'after'
}

function allNotes({ role, schemas = [] }: AppRole, state: RoleState): string[] {
  const unknown = schemas.filter(name => !state.schemas.includes(name))
  return [
    ...roleNotes(role, state),
    ...settingNotes(role, state.database, state.settings),
    ...unknown.map(
      name =>
        `There is no schema ${name}, in which the role ${role} is to be given rights (--app-schemas).${didYouMean(name, state.schemas)}`,
    ),
  ]
}

/** Sends statements so that an error knows which of them it is about. */
function send(client: pg.ClientBase, statements: string): Promise<void> {
  const script = new Script(statements)
  client.query(script)
  return script.done
}

function isClash(error: unknown): boolean {
  const code = codeOf(error)
  return (
    (code !== undefined && CLASHES.has(code)) || (error instanceof Error && CLASH_WITHOUT_A_CODE.test(error.message))
  )
}
