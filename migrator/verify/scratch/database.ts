// The scratch database: made for one look, marked, and dropped; what a killed run has left is dropped by the next.

import { randomBytes } from 'node:crypto'
import { quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import { codeOf, sqlstate } from '../../../gate/postgres/sqlstate.ts'
import type { Target } from '../../../gate/postgres/target.ts'
import { DeniedError } from '../../errors.ts'
import { whyReadOnly } from '../../postgres/read-only.ts'
import { Session } from '../../postgres/session.ts'
import { databaseLike, databaseSettings } from './properties.ts'

const prefix = 'schemagate_verify_'
/** The first half of the advisory lock's key, "SGV1"; the second is the number in the database's name. */
const lockClass = 0x53475631

const otherWays =
  'name another server for it (--scratch-url postgres://...), or compare with a snapshot (--expect FILE).'

/** How long the drop may take to connect: it comes last, and also after an interrupted run. */
const dropTimeout = 10_000
/** How long the drop itself may take once the run is told to stop, as where it waits for a synchronous standby that is gone. */
const graceAfterAbort = 3_000

/**
 * Makes a database like `live`'s, hands over its target, and drops it whatever happens. `server` stays connected to
 * another database of the same server; it holds a lock by which others see that this one is in use.
 * @throws DeniedError if the role may not make databases, or the server takes no writes.
 */
export async function withScratchDatabase<T>(
  server: Session,
  live: Session,
  use: (target: Target) => Promise<T>,
): Promise<T> {
  if (server.greeting.readOnly)
    throw new DeniedError(
      `The server on which verify makes a scratch database is read-only. ${await whyReadOnly(server)} Or ${otherWays}`,
    )
  await sweep(server)
  const number = randomBytes(4).readInt32BE()
  const name = `${prefix}${(number >>> 0).toString(16).padStart(8, '0')}`
  await server.query(`select pg_catalog.pg_advisory_lock(${lockClass}, ${number})`)
  const target = targetFor(server.options.target, name)
  let made: T
  try {
    try {
      await server.query(`create database ${quoteIdent(name)} ${await databaseLike(live, server)}`)
    } catch (error) {
      throw codeOf(error) === sqlstate.insufficientPrivilege ? mayNotCreate(server, error) : error
    }
    const of = live.options.target.database
    await server.query(
      `comment on database ${quoteIdent(name)} is ${quoteLiteral(`schemagate verify: scratch database for ${of}, made ${new Date().toISOString()}; may be dropped when no verify is running`)}`,
    )
    await databaseSettings(live, server, name)
    made = await use(target)
  } catch (error) {
    // the error says more than that this failed as well, and the next one drops what is left
    await drop(server, name).catch(() => {})
    throw error
  }
  await drop(server, name)
  return made
}

/** The same server, another database. */
function targetFor(target: Target, database: string): Target {
  // the passwords are not enumerable, and a copy must have them all the same
  const descriptors = Object.getOwnPropertyDescriptors(target)
  return Object.defineProperties({ ...target }, { ...descriptors, database: { value: database, enumerable: true } })
}

/** Drops those of runs that were killed: a run that lives holds the lock of its number. */
async function sweep(server: Session): Promise<void> {
  const { rows } = await server.query<{ name: string }>(
    `select d.datname as name from pg_catalog.pg_database d
      where d.datname::text ~ '^${prefix}[0-9a-f]{8}$' and pg_catalog.pg_has_role(d.datdba, 'usage')
        and not exists (select from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.classid = ${lockClass}
          and l.objid = (('x' || pg_catalog.right(d.datname::text, 8))::bit(32)::bigint)::oid and l.granted)`,
  )
  for (const { name } of rows) await server.query(`drop database if exists ${quoteIdent(name)} with (force)`)
}

/** Over a connection of its own: that of an interrupted run takes no statement any more. */
async function drop({ options }: Session, name: string): Promise<void> {
  const { signal } = options
  const session = await Session.open({ ...options, timeout: dropTimeout, signal: new AbortController().signal })
  const stop = () => void setTimeout(() => session.cut('it takes too long'), graceAfterAbort).unref()
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    await session.query(`drop database if exists ${quoteIdent(name)} with (force)`)
  } finally {
    signal.removeEventListener('abort', stop)
    session.close()
  }
}

function mayNotCreate({ options: { target } }: Session, cause: unknown): DeniedError {
  return new DeniedError(
    `role ${target.user} may not make the scratch database in which verify runs the migrations (42501). ` +
      `Give it the right (alter role ${quoteIdent(target.user)} createdb), or ${otherWays}`,
    { cause },
  )
}
