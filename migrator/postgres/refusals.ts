// Why a server did not let us in, and what to do about it.
// https://www.postgresql.org/docs/current/errcodes-appendix.html

import { AuthenticationError } from '../../gate/postgres/authentication.ts'
import { WrongServerError } from '../../gate/postgres/hosts.ts'
import { ProtocolError } from '../../gate/postgres/protocol-error.ts'
import { codeOf } from '../../gate/postgres/sqlstate.ts'
import type { Target } from '../../gate/postgres/target.ts'
import { migratorName } from '../../gate/protocol/announcement.ts'
import { DeniedError, UsageError } from '../errors.ts'
import { raisingFunction } from './failed-statement.ts'

/** In a few words, why there is no connection yet. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name cannot be resolved yet (${code})`
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)'
  if (/before secure TLS connection/.test(messageOf(error)))
    return `it hung up while TLS was agreed on (${code}); for sslnegotiation=direct it must be Postgres 17 or newer`
  const detail = error instanceof Error && 'detail' in error && error.detail ? ` ${String(error.detail)}` : ''
  const message = `${messageOf(error)}${detail}`.replace(/\.$/, '')
  if (code === '53300') return `it has no connection left for us (${code}): ${message}`
  return code ? `${message} (${code})` : message
}

/** True if a server said it, and not the network. */
export function isAnswer(error: unknown): boolean {
  return error instanceof WrongServerError || (error instanceof Error && 'severity' in error)
}

/** What to do when the time for connecting is up. */
export function wayOut(error: unknown): string {
  const code = codeOf(error)
  const longer = 'To wait longer, give it a longer --connect-timeout (`wait`: --timeout).'
  if (error instanceof WrongServerError)
    return `It is running: name a server that suits, or another target_session_attrs. ${longer}`
  if (code === '53300') return `It is running. ${roomFor(messageOf(error))} ${longer}`
  if (code === '57P03' && /hot standby/i.test(reasonOf(error)))
    return `It is running, as a standby that answers no queries. Connect to the primary, or set hot_standby = on. ${longer}`
  if (code === '57P03' || code === '57P01' || code === '57P02')
    return `It is running, and starts up, recovers or shuts down: its log says how far it is. ${longer}`
  if (isAnswer(error)) return `It is running. See its log. ${longer}`
  return `Is it running, and are host and port right? ${longer}`
}

/** Which limit was reached, as the server says it in English; in other languages all of them are named. */
function roomFor(message: string): string {
  const free = 'end sessions that are not needed (pg_stat_activity lists them), make the pools of apps smaller'
  const role = /for role "(.+)"/.exec(message)?.[1]
  if (role !== undefined)
    return `Role "${role}" has reached its limit: ${free}, or raise it (alter role "${role}" connection limit N).`
  const database = /for database "(.+)"/.exec(message)?.[1]
  if (database !== undefined)
    return `Database "${database}" has reached its limit: ${free}, or raise it (alter database "${database}" connection limit N).`
  if (/reserved/.test(message))
    return `What is left is reserved: ${free}, raise max_connections, or (from Postgres 16 on) set reserved_connections and grant pg_use_reserved_connections to the migrator's role.`
  if (/wal senders|replication/i.test(message)) return `Too many connections for replication: raise max_wal_senders.`
  if (/too many clients/i.test(message)) return `The server has reached max_connections: ${free}, or raise it.`
  return `A limit of the server, of the database or of the role is reached: ${free}, or raise it (max_connections, alter database ... connection limit, alter role ... connection limit).`
}

/** The server's "no", with what to do about it. `at` is its address. */
export function denial(error: unknown, target: Target, at: string): DeniedError | UsageError {
  if (error instanceof UsageError) return error
  return new DeniedError(whyDenied(error, target, `Postgres at ${at}`), { cause: error })
}

function whyDenied(error: unknown, target: Target, at: string): string {
  const message = messageOf(error)
  const code = codeOf(error)
  const user = `user "${target.user}"`
  const { source } = target
  if (error instanceof AuthenticationError)
    return `${at} is not logged in to: ${message}. The password was not sent. Use sslmode=verify-full and a password of SCRAM there, or take the parameter out of the URL.`
  if (error instanceof ProtocolError && error.login)
    return `${at} does not let ${user} in: ${message}. Have pg_hba.conf ask it for a password there (scram-sha-256), and reload.`
  if (code === '28P01' || (/^SASL|password must be/.test(message) && target.password === undefined))
    return target.password === undefined
      ? `${at} asks for a password for ${user}, and none was given. Put it in ${source ?? 'DATABASE_URL, PGPASSWORD or PGPASSWORD_FILE'}.`
      : `${at} refused the password of ${user} (28P01). Correct it in ${source ?? 'DATABASE_URL or PGPASSWORD'}; a Postgres volume keeps the password that it was first made with.`
  if (message.startsWith('SASL'))
    return `${at} and schemagate could not log ${user} in: ${message}. If the certificate is of a kind that cannot be bound, use channel_binding=disable.`
  if (code === '3D000')
    return `${at} has no database "${target.database}" (3D000). Create it (createdb ${target.database}), or correct the name in ${source ?? 'DATABASE_URL'}.`
  if (code === '55000')
    return `${at} takes no connections to database "${target.database}" (55000): ${message}. Check allow_connections of the database, or take another.`
  if (code === '28000') return `${at} does not let ${user} in (28000): ${message}. ${admission(message, target)}`
  if (code === '42501')
    return `${at} denies ${user} (42501): ${message}. Grant it CONNECT on database "${target.database}".`
  if (/unsupported startup parameter/.test(message))
    return `${at} is a pooler that does not let settings of a session through: ${message}. Connect the migrator to Postgres itself, or set them with alter role "${target.user}" set NAME = VALUE.`
  if (/does not support SSL/.test(message))
    return `${at} does not speak TLS, and ${why(target)}. Turn TLS on there, or use sslmode=prefer${withoutBinding(target)}.`
  if (code !== undefined && /CERT|SIGNATURE|CRL|^ERR_(TLS|SSL)|^EPROTO|UNABLE_TO/.test(code))
    return tlsFailure(at, code, message, target)
  // of another program than Postgres pg says in its own words that it does not understand it
  if (code === undefined && !isAnswer(error))
    return `${at} does not answer as Postgres does: ${message}. Are host and port right? A proxy in between must be one for Postgres.`
  const refusal = `${at} refused the connection${code ? ` (${code})` : ''}: ${message}`
  // of a trigger on login, from 17 on
  const raisedBy = error instanceof Error ? raisingFunction(error) : undefined
  if (raisedBy !== undefined)
    return `${refusal}. It comes from ${raisedBy}, which an event trigger runs at each login. Have it let the migrator in (its sessions have an application_name that begins with "${migratorName}"), or run as a role that it lets in.`
  // no resources, a system's error, an internal one
  return code !== undefined && /^(?:53|58|XX)/.test(code)
    ? `${refusal}. That is a fault of the server's own: look into its log, and at its disk and its memory.`
    : refusal
}

function why({ sslMode, authentication }: Target): string {
  return authentication?.channelBinding === 'require' ? 'channel_binding=require needs it' : `sslmode is ${sslMode}`
}

function withoutBinding({ authentication }: Target): string {
  return authentication?.channelBinding === 'require' ? ' without channel_binding=require' : ''
}

function admission(message: string, { user, sslMode, sslCert }: Target): string {
  if (/client certificate/.test(message))
    return sslCert
      ? 'The certificate in sslcert is not one that the server takes for this user: check its name (CN) and its authority.'
      : 'Name the certificate and its key with sslcert and sslkey.'
  if (/not permitted to log in/.test(message)) return `Let it log in: alter role "${user}" login.`
  if (/pg_hba/.test(message)) {
    const plain = /no encryption|SSL off/.test(message)
    if (plain && sslMode === 'disable')
      return 'No line of pg_hba.conf lets it in from here without TLS: use sslmode=require, or add one.'
    return plain && sslMode !== 'require'
      ? 'No line of pg_hba.conf lets it in from here without TLS: add one, or turn TLS on there and use sslmode=require.'
      : 'No line of pg_hba.conf lets it in from here: add one for this user, database and address, and reload.'
  }
  return 'Check that the role exists and may log in, and pg_hba.conf.'
}

/** OpenSSL's codes: the server's alerts, the two ends that do not fit together, and the certificate itself. */
function tlsFailure(at: string, code: string, message: string, target: Target): string {
  if (/ALERT.*(CERTIFICATE|UNKNOWN_CA)|CERTIFICATE_REQUIRED/.test(code))
    return target.sslCert
      ? `${at} does not take the certificate in sslcert (${code}): ${message}. Check its authority (ssl_ca_file there) and its dates.`
      : `${at} asks for a certificate (${code}): ${message}. Name it and its key with sslcert and sslkey.`
  if (/VERSION|PROTOCOL|^EPROTO|HANDSHAKE|NO_SHARED|NO_CIPHERS/.test(code))
    return `TLS with ${at} could not be agreed on (${code}): ${message}. Check that it is Postgres, and the versions of TLS (ssl_min_protocol_version, ssl_max_protocol_version).`
  if (/CRL|REVOKED/.test(code))
    return `The TLS certificate of ${at} is not accepted (${code}): ${message}. Check sslcrl and sslcrldir: there must be a list of each authority.`
  return `The TLS certificate of ${at} is not accepted (${code}): ${message}. Check sslrootcert, the host's name, and sslmode (now ${target.sslMode}).`
}

/** The error's message, or whatever was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
