// SCRAM-SHA-256 verifiers (RFC 5802, 7677), made here, so that a password never travels to the server or into its log.
// https://www.postgresql.org/docs/current/catalog-pg-authid.html

import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const deriveAside = promisify(pbkdf2)
const HASH_BYTES = 32
const SALT_BYTES = 16

/** The server's own default; from PostgreSQL 16 on it is the setting `scram_iterations`. */
const DEFAULT_ITERATIONS = 4096

/** Starting the threads that would do it aside takes longer than so few iterations do; a database can ask for any number. */
async function derive(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  return iterations <= DEFAULT_ITERATIONS
    ? pbkdf2Sync(password, salt, iterations, HASH_BYTES, 'sha256')
    : deriveAside(password, salt, iterations, HASH_BYTES, 'sha256')
}

/** What `create role ... password '...'` stores as it is. `password` must have been through `saslprep`. */
export async function scramVerifier(
  password: string,
  iterations = DEFAULT_ITERATIONS,
  salt: Buffer = randomBytes(SALT_BYTES),
): Promise<string> {
  const salted = await derive(password, salt, iterations)
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** Was this verifier made from this password? False for anything that is not a SCRAM-SHA-256 verifier. */
export async function verifies(verifier: string, password: string): Promise<boolean> {
  const match = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$/.exec(verifier)
  if (match === null) return false
  const made = await scramVerifier(password, Number(match[1]), Buffer.from(match[2]!, 'base64'))
  return made.length === verifier.length && timingSafeEqual(Buffer.from(made), Buffer.from(verifier))
}
