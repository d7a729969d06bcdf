// SQLSTATEs and socket errors, named once: what each says about the connection and about trying again.
// https://www.postgresql.org/docs/current/errcodes-appendix.html

/** The code of a Postgres error (`42P01`) or of a socket error (`ECONNREFUSED`), if the error has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Those that some code looks for, by Postgres' own names. */
export const sqlstate = {
  uniqueViolation: '23505',
  activeTransaction: '25001',
  readOnly: '25006',
  untranslatable: '22P05',
  invalidBytes: '22021',
  invalidTermination: '2D000',
  syntaxError: '42601',
  unsafeNewEnumValue: '55P04',
  lockNotAvailable: '55P03',
  deadlock: '40P01',
  serialization: '40001',
  canceled: '57014',
  insufficientPrivilege: '42501',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  undefinedSchema: '3F000',
  idleInTransaction: '25P03',
  transactionTimeout: '25P04',
  idleSession: '57P05',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
} as const

/**
 * Raised by our own checks inside a migration's transaction; no class of Postgres' own starts with `SG`. SG006 and SG007 are
 * those of `require()`, which a migration may call as well.
 */
export const ownState = {
  lockBusy: 'SG001',
  alreadyApplied: 'SG002',
  journalMoved: 'SG003',
  begunInSteps: 'SG004',
  outOfTurn: 'SG005',
  notWritten: 'SG008',
  overtaken: 'SG009',
} as const

/** Worth trying the whole migration again: somebody else was in the way, and may be gone. */
export const clashCodes: ReadonlySet<string> = new Set([
  sqlstate.lockNotAvailable,
  sqlstate.deadlock,
  sqlstate.serialization,
])

/** A table that a query names is not there, or is another one. */
export const missingTableCodes: ReadonlySet<string> = new Set([
  sqlstate.undefinedTable,
  sqlstate.undefinedSchema,
  sqlstate.undefinedColumn,
])

/**
 * What only the server can tell: this cannot be done in one transaction. REINDEX of a partitioned table; a procedure
 * that commits; an enum's value used in the transaction that adds it.
 */
export const needsSteps: ReadonlySet<string> = new Set([
  sqlstate.activeTransaction,
  sqlstate.invalidTermination,
  sqlstate.unsafeNewEnumValue,
])

/** The server is there but not (or no longer) for us, for now. 53300 is too many connections. */
const serverAway = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '53300',
  '08000',
  '08003',
  '08006',
  '08001',
  '08004',
])

/** The server ended a session from which it had heard nothing for longer than a limit. */
export const idleCodes: ReadonlySet<string> = new Set([sqlstate.idleInTransaction, sqlstate.idleSession])

/** The network has no way to it yet: compose's DNS knows a service only once it runs. */
const networkAway = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
])

/** pg has no code for these. */
const awayMessage = /^(Connection terminated|timeout expired|Client has encountered a connection error|read E|write E)/

/**
 * PgBouncer answers with 08P01 and a sentence when its own server is away, when it knows no such database, and when it has no
 * connection left. `invalid server parameter` is what it says of a server that goes while it is given a client's settings.
 * What the server has said to it, as it starts up or is full, it hands on under the same code.
 */
const poolerAway =
  /server login has been failing|server conn crashed|invalid server parameter|connect failed|server_login_retry|shut ?down|no more connections allowed|query_wait_timeout|client_login_timeout|the database system is |too many (?:clients|connections)|connection slots are reserved/i

/** The server stopped itself over it, as where it cannot write its WAL: whether a commit came about, it tells when it is back. */
export function isPanic(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'PANIC'
}

/** True if the connection is lost or was never made, and trying again may help. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (isPanic(error)) return true
  const code = codeOf(error)
  if (code === '08P01') return poolerAway.test(error.message)
  // of another server, to which dblink or a foreign table has no way: ours goes on
  if (code?.startsWith('08') && 'severity' in error && error.severity === 'ERROR') return false
  // a socket that is not there yet; any other file is not the server's
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect'
  if (code !== undefined) return serverAway.has(code) || networkAway.has(code)
  if (error instanceof AggregateError) return error.errors.every(isConnectionLoss)
  return awayMessage.test(error.message)
}
