// TLS as libpq's sslmode means it, in the terms of Node's tls module.
// https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { UsageError } from '../errors.ts'
import type { Endpoint, Target } from './target.ts'

/** One way of making the connection: TLS options, or false for a plain one. */
export type TlsAttempt = ConnectionOptions | false

/**
 * The ways to try for a target, in order; the next is taken only if the server refuses this one.
 * A Unix socket never has TLS.
 * @throws UsageError if a certificate or key that is named cannot be read.
 */
export function tlsAttempts(target: Target, endpoint: Endpoint): [TlsAttempt, ...TlsAttempt[]] {
  if (endpoint.host.startsWith('/')) return [false]
  switch (target.sslMode) {
    case 'disable':
      return [false]
    case 'allow':
      return [false, options(target)]
    case 'prefer':
      return [options(target), false]
    default:
      return [options(target)]
  }
}

/** pg's own words, which have no code. */
const noTls = /server does not support SSL/i

/** True if the server said no to this way of connecting, and another may do. */
export function isTlsRefusal(error: unknown, attempt: TlsAttempt): boolean {
  if (!(error instanceof Error)) return false
  if (attempt !== false) return noTls.test(error.message)
  return 'code' in error && error.code === '28000'
}

function options(target: Target): ConnectionOptions {
  const mode = target.sslMode
  const defaultRoot = join(homedir(), '.postgresql', 'root.crt')
  const rootFile = target.sslRootCert ?? (existsSync(defaultRoot) ? defaultRoot : undefined)
  const system = target.sslRootCert === 'system'
  // libpq: with a root certificate at hand, `require` checks it as `verify-ca` does, for old configurations' sake
  const checksChain = mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && rootFile !== undefined)
  if (checksChain && rootFile === undefined)
    throw new UsageError(
      `sslmode=${mode} needs the certificate of the authority that signed the server's: name it with sslrootcert=FILE, or sslrootcert=system.`,
    )
  return {
    rejectUnauthorized: checksChain,
    ...(checksChain && !system && { ca: readPem('sslrootcert', rootFile!) }),
    ...(checksChain && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(target.sslCert && { cert: readPem('sslcert', target.sslCert) }),
    ...(target.sslKey && { key: readPem('sslkey', target.sslKey) }),
  }
}

function readPem(parameter: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new UsageError(`${parameter}: ${file} cannot be read (${code}).`)
  }
}
