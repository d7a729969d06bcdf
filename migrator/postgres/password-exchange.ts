// pg's part of a password's exchange, by Node's own functions: the bundle takes this for pg's module of the same
// functions (scripts/build/build.ts), whose Web Crypto API takes Node longer to load than all of the rest takes to connect.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export { randomBytes } from 'node:crypto'

function digest(name: string, data: string | Uint8Array): Buffer {
  return createHash(name).update(data).digest()
}

/** In hex. */
export async function md5(data: string | Uint8Array): Promise<string> {
  return digest('md5', data).toString('hex')
}

/** https://www.postgresql.org/docs/current/protocol-flow.html, AuthenticationMD5Password */
export async function postgresMd5PasswordHash(user: string, password: string, salt: Uint8Array): Promise<string> {
  const inner = await md5(password + user)
  return `md5${await md5(Buffer.concat([Buffer.from(inner), salt]))}`
}

/** The digest's 32 bytes. */
export async function sha256(data: Uint8Array): Promise<Buffer> {
  return digest('sha256', data)
}

/** `SHA-256` and the like, as a certificate's signature names it. */
export async function hashByName(name: string, data: Uint8Array): Promise<Buffer> {
  return digest(name, data)
}

/** The code's 32 bytes (RFC 2104). */
export async function hmacSha256(key: Uint8Array, message: string): Promise<Buffer> {
  return createHmac('sha256', key).update(message).digest()
}

/** SCRAM's salted password. */
export async function deriveKey(password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return pbkdf2Sync(password, salt, iterations, 32, 'sha256')
}
