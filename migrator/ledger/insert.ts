// A new row of the ledger, behind all others.

/** Milliseconds since the transaction began. */
export const transactionTime =
  'extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp())::pg_catalog.numeric * 1000::pg_catalog.numeric'

/** An INSERT without its end. `values` are SQL expressions, by column. */
export function insertRow(table: string, values: Readonly<Record<string, string>>): string {
  // max(position) would take the server twice as long to plan
  const position = `coalesce((select position from ${table} order by position desc limit 1), 0) + 1`
  const columns = Object.entries({ ...values, position })
  return `insert into ${table} (${columns.map(([name]) => name).join(', ')}) values (${columns.map(([, value]) => value).join(', ')})`
}
