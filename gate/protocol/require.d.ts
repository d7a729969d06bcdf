/** The SQLSTATEs that `require` raises: the contract's exit codes 6 and 7 with SG before them. */
export declare const requireStates: {
  readonly diverged: 'SG006'
  readonly notReady: 'SG007'
}
/**
 * The statements that make the two functions in the ledger's schema; repeatable. Both return true or raise.
 *
 * - `require(head text)`: the migration `head` and all before it are applied, and none after it breaks older apps.
 * - `require(manifest jsonb)`: the whole comparison that a gate makes, with checksums. The text of a manifest is
 *   understood as well, for drivers that send every string as text.
 *
 * What row level security hides is not taken for what is not there; the gate of a Node app tells the two apart in its own
 * query (gate/look.ts).
 *
 * They run with the rights of who calls them, who needs `usage` on the schema and `select` on the ledger.
 */
export declare function requireFunctionDdl(schema: string): string
