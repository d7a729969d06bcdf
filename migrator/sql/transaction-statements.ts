// Which statements Postgres forbids inside a transaction, and which begin and end one.

import type { DefElem, Node } from 'libpg-query'

/** A transaction control statement's part in a file. */
export type Control = 'begin' | 'commit' | 'rollback' | 'inside'

/** What a transaction control statement does; undefined for any other statement. Savepoints stay inside. */
export function controlOf(node: Node): Control | undefined {
  if (!('TransactionStmt' in node)) return undefined
  switch (node.TransactionStmt.kind) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      return 'begin'
    case 'TRANS_STMT_COMMIT':
      return 'commit'
    case 'TRANS_STMT_ROLLBACK':
      return 'rollback'
    case 'TRANS_STMT_SAVEPOINT':
    case 'TRANS_STMT_RELEASE':
    case 'TRANS_STMT_ROLLBACK_TO':
      return 'inside'
    default:
      return undefined
  }
}

/**
 * True for a statement whose text shows that Postgres refuses it inside a transaction block: the callers of
 * PreventInTransactionBlock() in PostgreSQL 18's source. Where it depends on the catalogue (REINDEX of a partitioned
 * table), only the server's 25001 shows it.
 */
export function forbidsTransaction(node: Node): boolean {
  const kind = Object.keys(node)[0]
  if (kind === undefined) return false
  if ('IndexStmt' in node) return node.IndexStmt.concurrent === true
  if ('DropStmt' in node) return node.DropStmt.concurrent === true
  if ('ReindexStmt' in node)
    return (
      hasOption(node.ReindexStmt.params, 'concurrently') ||
      ['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE'].includes(
        node.ReindexStmt.kind ?? '',
      )
    )
  if ('VacuumStmt' in node) return node.VacuumStmt.is_vacuumcmd === true
  if ('ClusterStmt' in node) return node.ClusterStmt.relation === undefined
  if ('AlterTableStmt' in node) return (node.AlterTableStmt.cmds ?? []).some(isDetachConcurrently)
  if ('DiscardStmt' in node) return node.DiscardStmt.target === 'DISCARD_ALL'
  if ('CreateSubscriptionStmt' in node) return !isOff(node.CreateSubscriptionStmt.options, ['connect', 'create_slot'])
  if ('AlterSubscriptionStmt' in node) return node.AlterSubscriptionStmt.kind !== 'ALTER_SUBSCRIPTION_OPTIONS'
  if ('AlterDatabaseStmt' in node) return hasOption(node.AlterDatabaseStmt.options, 'tablespace')
  if ('TransactionStmt' in node) return /PREPARED/.test(node.TransactionStmt.kind ?? '')
  return forbidden.has(kind)
}

const forbidden = new Set([
  'CreatedbStmt',
  'DropdbStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'AlterSystemStmt',
  'DropSubscriptionStmt',
])

/**
 * ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY, which no transaction may hold.
 * https://www.postgresql.org/docs/current/sql-altertable.html
 */
export function isDetachConcurrently(node: Node): boolean {
  if (!('AlterTableCmd' in node) || node.AlterTableCmd.subtype !== 'AT_DetachPartition') return false
  const partition = node.AlterTableCmd.def
  return partition !== undefined && 'PartitionCmd' in partition && partition.PartitionCmd.concurrent === true
}

function options(nodes: readonly Node[] | undefined): DefElem[] {
  return (nodes ?? []).flatMap(node => ('DefElem' in node ? [node.DefElem] : []))
}

/** A boolean option without a value is on; `(concurrently false)` is off. */
function hasOption(nodes: readonly Node[] | undefined, name: string): boolean {
  return options(nodes).some(option => option.defname === name && !isFalse(option))
}

function isOff(nodes: readonly Node[] | undefined, names: readonly string[]): boolean {
  return options(nodes).some(option => names.includes(option.defname ?? '') && isFalse(option))
}

function isFalse(option: DefElem): boolean {
  const text = JSON.stringify(option.arg ?? '').toLowerCase()
  return /"(false|off|0|f)"|"boolean":\{\}|"ival":\{\}/.test(text)
}
