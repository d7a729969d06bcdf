// TLS as libpq's sslmode means it, in the terms of Node's tls module.
// https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION

import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, createSecureContext, type SecureVersion } from 'node:tls'
import { ConnectionError } from './connection-error.ts'
import { readNamedFile } from './read-file.ts'
import type { Endpoint, Target } from './target.ts'

/** One way of making the connection: TLS options, or false for a plain one. */
export type TlsAttempt = ConnectionOptions | false

/**
 * The ways to try for a target, in order; the next is taken only if the server refuses this one.
 * A Unix socket never has TLS.
 * @throws ConnectionError if a certificate or key that is named cannot be read.
 */
export function tlsAttempts(target: Target, endpoint: Endpoint): [TlsAttempt, ...TlsAttempt[]] {
  if (endpoint.host.startsWith('/')) return [false]
  // a connection without TLS would only be refused
  const bound = target.authentication?.channelBinding === 'require'
  switch (target.sslMode) {
    case 'disable':
      return [false]
    case 'allow':
      return bound ? [options(target)] : [false, options(target)]
    // with `prefer` a server without TLS is no other way: see `goOnWithoutTls`
    default:
      return [options(target)]
  }
}

/** True if the server lets nobody in without TLS, and another way may do. */
export function isTlsRefusal(error: unknown, attempt: TlsAttempt | true): boolean {
  return attempt === false && error instanceof Error && 'code' in error && error.code === '28000'
}

function options(target: Target): ConnectionOptions {
  const mode = target.sslMode
  const system = target.sslRootCert === 'system'
  const rootFile = target.sslRootCert ?? byDefault('root.crt')
  // libpq: with a root certificate at hand, `require` checks it as `verify-ca` does, for old configurations' sake
  const checksChain = mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && rootFile !== undefined)
  if (checksChain && rootFile === undefined)
    throw new ConnectionError(
      `sslmode=${mode} needs the certificate of the authority that signed the server's: name it with sslrootcert=FILE, or sslrootcert=system.`,
    )
  return {
    rejectUnauthorized: checksChain,
    ...(checksChain && !system && { ca: readPem('sslrootcert', rootFile!) }),
    ...(checksChain && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(checksChain && revoked(target)),
    ...ownCertificate(target),
    minVersion: version(target.sslMinVersion ?? 'TLSv1.2'),
    ...(target.sslMaxVersion && { maxVersion: version(target.sslMaxVersion) }),
  }
}

/** libpq's default file of that name, if it is there. */
function byDefault(name: string): string | undefined {
  const file = join(homedir(), '.postgresql', name)
  return existsSync(file) ? file : undefined
}

function revoked({ sslCrl, sslCrlDir }: Target): ConnectionOptions {
  const file = sslCrl ?? (sslCrlDir === undefined ? byDefault('root.crl') : undefined)
  const lists = file === undefined ? [] : [readPem('sslcrl', file)]
  if (sslCrlDir !== undefined) {
    const names = read('sslcrldir', sslCrlDir, () => readdirSync(sslCrlDir))
    // the names that `openssl rehash` gives
    const hashed = names.filter(name => /^[0-9a-f]{8}\.r\d+$/.test(name))
    if (hashed.length === 0)
      throw new ConnectionError(
        `sslcrldir: ${sslCrlDir} has no list of revoked certificates. Run openssl rehash on it.`,
      )
    lists.push(...hashed.map(name => readPem('sslcrldir', join(sslCrlDir, name))))
  }
  return lists.length === 0 ? {} : { crl: lists }
}

function ownCertificate({ sslCert, sslKey, sslPassword }: Target): ConnectionOptions {
  const certFile = sslCert === false ? undefined : (sslCert ?? byDefault('postgresql.crt'))
  if (certFile === undefined) return {}
  const keyFile = sslKey ?? byDefault('postgresql.key')
  if (keyFile === undefined) throw new ConnectionError(`sslcert: ${certFile} has no key. Name it with sslkey=FILE.`)
  const own = {
    cert: readPem('sslcert', certFile),
    key: readPem('sslkey', keyFile),
    ...(sslPassword && { passphrase: sslPassword }),
  }
  try {
    createSecureContext(own)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConnectionError(
      `sslcert, sslkey: ${certFile} and ${keyFile} cannot be used: ${why}. Do they belong together, and is sslpassword right?`,
    )
  }
  return own
}

/** Node has the same names for them as libpq. */
function version(name: string): SecureVersion {
  return name as SecureVersion
}

function readPem(parameter: string, file: string): Buffer {
  return read(parameter, file, () => readNamedFile(file))
}

function read<T>(parameter: string, file: string, reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ConnectionError(`${parameter}: ${file} cannot be read (${code ?? message}).`)
  }
}
