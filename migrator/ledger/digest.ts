// A digest of which migrations are applied, each with its checksum: what files and ledger are compared by in one value.

import { hash } from 'node:crypto'
import { ledgerTable } from '../../gate/protocol/ledger.ts'

/** What the ledger knows a migration by. */
export interface Applied {
  readonly name: string
  readonly checksum: string
}

/**
 * The digest of these migrations, in whatever order they are. It is that of {@link digestSql} where the ledger has them
 * all and no others.
 */
export function digestOf(migrations: Iterable<Applied>): string {
  const checksums = new Map(Array.from(migrations, ({ name, checksum }) => [name, checksum]))
  const measured = (text: string) => `${Buffer.byteLength(text)} ${text}`
  const lines = [...checksums.keys()].sort().map(name => measured(name) + measured(checksums.get(name)!))
  return hash('sha256', lines.join(''))
}

/**
 * An aggregate over the rows of the ledger, computed by the server. Names are in the order of their bytes, and each text
 * has its length in front, so that no two ledgers have the same text. A server that orders or counts differently (another
 * encoding, a character beyond the basic plane) has another digest for the same rows, never the same one for others.
 */
export const digestSql = `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(
  pg_catalog.concat(pg_catalog.octet_length(name), ' ', name, pg_catalog.octet_length(checksum), ' ', checksum), '' order by name collate "C"), 'UTF8')), 'hex')`

/** The name of the ledger's head, as an expression: see `headOf`. All rows are applied. */
export function headSql(schema: string): string {
  const newest = (where: string) => `(select name from ${ledgerTable(schema)} ${where} order by position desc limit 1)`
  return `coalesce(${newest("where kind <> 'repeatable' and journal->'late'::text is null")}, ${newest('')})`
}
