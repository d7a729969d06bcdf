/** The code of a Postgres error (`42P01`) or of a socket error (`ECONNREFUSED`), if the error has one. */
export declare function codeOf(error: unknown): string | undefined
export declare const sqlstate: {
  readonly uniqueViolation: '23505'
  readonly activeTransaction: '25001'
  readonly readOnly: '25006'
  readonly invalidTermination: '2D000'
  readonly syntaxError: '42601'
  readonly unsafeNewEnumValue: '55P04'
  readonly lockNotAvailable: '55P03'
  readonly deadlock: '40P01'
  readonly serialization: '40001'
  readonly canceled: '57014'
  readonly insufficientPrivilege: '42501'
  readonly undefinedTable: '42P01'
  readonly undefinedSchema: '3F000'
  readonly idleInTransaction: '25P03'
  readonly transactionTimeout: '25P04'
  readonly idleSession: '57P05'
}
/** Raised by our own checks inside a migration's transaction; no class of Postgres' own starts with `SG`. */
export declare const ownState: {
  readonly lockBusy: 'SG001'
  readonly alreadyApplied: 'SG002'
  readonly journalMoved: 'SG003'
  readonly begunInSteps: 'SG004'
}
/** Worth trying the whole migration again: somebody else was in the way, and may be gone. */
export declare const clashCodes: ReadonlySet<string>
/**
 * What only the server can tell: this cannot be done in one transaction. REINDEX of a partitioned table; a procedure
 * that commits; an enum's value used in the transaction that adds it.
 */
export declare const needsSteps: ReadonlySet<string>
/** The server ended a session from which it had heard nothing for longer than a limit. */
export declare const idleCodes: ReadonlySet<string>
/** True if the connection is lost or was never made, and trying again may help. */
export declare function isConnectionLoss(error: unknown): boolean
