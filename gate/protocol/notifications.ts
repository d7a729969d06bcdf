// Notifications from the migrator to the gates. Any role can send them, so a gate takes each only for a reason to read the
// ledger: the payload is for people and for tools that listen, too.

import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'

/** What a notification's payload says, as JSON. */
export type Notification =
  /** The history of the tool that is followed has changed. */
  | { readonly event: 'history' }
  /** A run has ended well: the manifest is stored. */
  | { readonly event: 'published'; readonly head: string | null }
  /** Apps that do not know this migration, or were built with it, are to close: it is about to be applied or reverted. */
  | { readonly event: 'breaking' | 'reverting'; readonly migration: string; readonly runId: string }
  /** That change was not made. */
  | { readonly event: 'released' }
  /** Rows of the ledger were changed by hand. */
  | { readonly event: 'changed' }

/** The statement that sends a notification, when its transaction commits. The channel is the ledger's schema. */
export function notifySql(schema: string, notification: Notification): string {
  return `select pg_catalog.pg_notify(${quoteLiteral(schema)}, ${quoteLiteral(JSON.stringify(notification))});`
}

/** The statement that listens for them. */
export function listenSql(schema: string): string {
  return `listen ${quoteIdent(schema)}`
}
