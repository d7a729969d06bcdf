// Whether the app's role has the password that it is given: by the server's own verifier, or by a login.

import pg from 'pg'
import { UsageError } from '../errors.ts'
import { saslprep } from './saslprep.ts'
import { verifies } from './scram.ts'

interface Login {
  readonly role: string
  readonly password: string
}

const LOGIN_TIMEOUT = 2000

/**
 * The password as the SCRAM verifier is made of it.
 * @throws UsageError for one that cannot be used
 */
export function prepared(password: string): string {
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

/** Whether the role's verifier is that of the password. The connection may read pg_authid. */
export async function passwordIsSet(client: pg.ClientBase, { role, password }: Login): Promise<boolean> {
  const { rows } = await client.query<{ rolpassword: string | null }>(
    'select rolpassword from pg_catalog.pg_authid where rolname = $1',
    [role],
  )
  return verifies(rows[0]?.rolpassword ?? '', prepared(password))
}

/** A login proves the password only where the server asks for it: `trust` lets anybody in. */
export async function logsIn(owner: pg.Client, { role, password }: Login): Promise<boolean> {
  let asked = false
  const client = new pg.Client({
    host: owner.host,
    port: owner.port,
    database: owner.database,
    ssl: owner.ssl,
    user: role,
    password: () => {
      asked = true
      return password
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
