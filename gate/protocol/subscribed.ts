// Whether the rows of a table come from another database, by logical replication. That brings rows and no tables: a ledger
// that is replicated says what the other database has.

import type { Verdict } from './compatibility.ts'

/**
 * An SQL condition that costs next to nothing: a subscription writes this table. `oid` is an expression.
 * https://www.postgresql.org/docs/current/catalog-pg-subscription-rel.html
 */
export function isSubscribed(oid: string): string {
  return `exists (select from pg_catalog.pg_subscription_rel where srrelid = ${oid})`
}

/** What is wrong, and the way out. */
export function subscribedDetail(table: string): string {
  return `${table} is written by a subscription: its rows come from another database by logical replication, which brings no tables along. Drop the subscription, or leave ${table} out of its publication.`
}

/** What is said to someone who asks for the schema of a database whose history is another one's. */
export function subscribedVerdict(table: string): Verdict {
  return { state: 'unmigrated', detail: subscribedDetail(table) }
}
