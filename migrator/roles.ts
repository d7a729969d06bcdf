// The app's login role: made only by a successful run, so that before it no app can even connect, and given no more than
// an app needs.

import pg from 'pg'
import { DeniedError, RefusedError, UsageError } from './errors.ts'
import { codeOf, sqlstate } from './postgres/sqlstate.ts'
import { type Facts, readFacts } from './roles/facts.ts'
import { saslprep } from './roles/saslprep.ts'
import { scramVerifier, verifies } from './roles/scram.ts'
import { alterRole, createRole, grants, notes } from './roles/statements.ts'

export interface AppRole {
  /** The role's name. */
  readonly role: string
  readonly password: string
  /** The ledger's schema: the app reads it, and may change nothing there. */
  readonly schema: string
}

export interface AppRoleReport {
  readonly created: boolean
  readonly passwordSet: boolean
  /** How many grants, default privileges and revocations were needed. */
  readonly granted: number
  /** What could not be done from this connection, for the log. */
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
 * Checks what can be checked without a database, for all problems with settings to be told at once.
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
 * Makes or updates the app's role in one transaction on an idle connection: login, the password as a SCRAM verifier,
 * DML on the schemas of the application, read on the ledger, and default privileges for what later migrations make.
 * Does nothing where nothing is to be done.
 *
 * @throws UsageError for an unusable name or password, or when the role is the owner that migrates.
 * @throws RefusedError when an existing role may do more than an app should and it is not ours to take that away.
 * @throws DeniedError when this connection may not make or change roles.
 */
export async function ensureAppRole(client: pg.Client, app: AppRole): Promise<AppRoleReport> {
  checkAppRole(app)
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('begin; set local search_path = pg_catalog')
      const report = await putRight(client, app)
      await client.query('commit')
      return report
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (isClash(error) && attempt < ATTEMPTS) continue
      throw codeOf(error) === sqlstate.insufficientPrivilege ? denied(app.role, client.user, error) : error
    }
  }
}

/**
 * Is there nothing for `ensureAppRole` to do? Changes nothing and needs no lock: the role is as it should be, and the
 * password is the one that it logs in with. A superuser compares verifiers; others try to log in.
 * @throws UsageError and RefusedError as `ensureAppRole` does.
 */
export async function appRoleWorks(client: pg.Client, app: AppRole): Promise<boolean> {
  checkAppRole(app)
  await client.query('begin read only; set local search_path = pg_catalog')
  try {
    const facts = await readFacts(client, app.role, app.schema)
    refuse(app.role, facts)
    if (facts.role === null || alterRole(app.role, facts.role, undefined) !== undefined) return false
    if (grants(app.role, facts).length > 0) return false
    if (facts.readsPasswords) return await passwordIsSet(client, app)
  } finally {
    await client.query('rollback')
  }
  return logsIn(client, app)
}

async function putRight(client: pg.ClientBase, app: AppRole): Promise<AppRoleReport> {
  let facts = await readFacts(client, app.role, app.schema)
  refuse(app.role, facts)
  const created = facts.role === null
  let passwordSet = true
  if (facts.role === null) {
    await client.query(createRole(app.role, await verifierFor(app, facts)))
    facts = await readFacts(client, app.role, app.schema)
  } else {
    passwordSet = !(facts.readsPasswords && (await passwordIsSet(client, app)))
    const statement = alterRole(app.role, facts.role, passwordSet ? await verifierFor(app, facts) : undefined)
    if (statement !== undefined) await client.query(statement)
  }
  const statements = grants(app.role, facts)
  if (statements.length > 0) await client.query(statements.join(';\n'))
  return { created, passwordSet, granted: statements.length, notes: notes(app.role, facts) }
}

function isClash(error: unknown): boolean {
  const code = codeOf(error)
  return (
    (code !== undefined && CLASHES.has(code)) || (error instanceof Error && CLASH_WITHOUT_A_CODE.test(error.message))
  )
}

function refuse(role: string, facts: Facts): void {
  if (role === facts.me || role === facts.sessionUser) {
    throw new UsageError(
      `The app's role ${role} is the owner that runs the migrations: it could change the schema. Choose another name.`,
    )
  }
  if (facts.role === null) return
  const why = facts.role.superuser
    ? 'it is a superuser'
    : facts.role.owns !== null
      ? `it owns ${facts.role.owns}`
      : facts.role.memberOf.length > 0
        ? `it is a member of ${facts.role.memberOf.join(', ')}`
        : undefined
  if (why === undefined) return
  const help =
    facts.role.memberOf.length > 0
      ? `Revoke it (${facts.role.memberOf.map(name => `revoke ${pg.escapeIdentifier(name)} from ${pg.escapeIdentifier(role)}`).join('; ')}), or choose another role.`
      : `Choose another role${facts.role.superuser ? '' : `, or give that to ${facts.me} (alter ... owner to)`}.`
  throw new RefusedError(`The app's role ${role} may do more than an app should: ${why}. ${help}`)
}

function denied(role: string, me: string | undefined, cause: unknown): DeniedError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const owner = me ?? 'owner'
  return new DeniedError(
    `${owner}, who runs the migrations, may not make or change the app's role ${role} (42501): ${message}. ` +
      `That needs CREATEROLE, and from PostgreSQL 16 on, for a role that somebody else has made, also the admin option: ` +
      `grant ${pg.escapeIdentifier(role)} to ${pg.escapeIdentifier(owner)} with admin option. Or let a superuser make the role, and leave --app-role out.`,
    { cause },
  )
}

function prepared(password: string): string {
  if (password === '') throw new UsageError("The app's password is empty: give one, or leave --app-role out.")
  if (password.includes('\0')) throw new UsageError("The app's password has a NUL character in it.")
  const result = saslprep(password)
  if (result === undefined) {
    throw new UsageError(
      "The app's password has characters that Postgres clients do not prepare alike (RFC 4013): use others, ASCII at best.",
    )
  }
  return result
}

function verifierFor(app: AppRole, facts: Facts): Promise<string> {
  return scramVerifier(prepared(app.password), facts.scramIterations ?? undefined)
}

async function passwordIsSet(client: pg.ClientBase, app: AppRole): Promise<boolean> {
  const { rows } = await client.query<{ rolpassword: string | null }>(
    'select rolpassword from pg_catalog.pg_authid where rolname = $1',
    [app.role],
  )
  return verifies(rows[0]?.rolpassword ?? '', prepared(app.password))
}

const LOGIN_TIMEOUT = 2000

/** A login proves the password only where the server asks for it: `trust` lets anybody in. */
async function logsIn(owner: pg.Client, app: AppRole): Promise<boolean> {
  let asked = false
  const client = new pg.Client({
    host: owner.host,
    port: owner.port,
    database: owner.database,
    ssl: owner.ssl,
    user: app.role,
    password: () => {
      asked = true
      return app.password
    },
    application_name: 'schemagate',
    connectionTimeoutMillis: LOGIN_TIMEOUT,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return asked
  } catch {
    return false
  }
}
