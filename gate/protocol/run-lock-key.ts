// The advisory lock that a run holds: its key, for the migrator that takes it and for gates that look whether it is held.

import { createHash } from 'node:crypto'

/**
 * The two int4 keys of the run lock for a ledger schema: the first eight bytes of sha256('schemagate run lock ' + schema).
 * Advisory locks are per database, so databases need no part in it. In `pg_locks` the keys stand in `classid` and
 * `objid`, which are unsigned: compare with `$1::int4::oid`, and with `objsubid = 2`.
 */
export function runLockKey(schema: string): [number, number] {
  const digest = createHash('sha256').update(`schemagate run lock ${schema}`).digest()
  return [digest.readInt32BE(0), digest.readInt32BE(4)]
}
