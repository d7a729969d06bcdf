// A ledger with many migrations, and the manifest of an app that was built with them.

import { createHash } from 'node:crypto'
import type { Client } from 'pg'
import type { Manifest } from '../../../gate/protocol/manifest.ts'

/** So many migrations with names of usual length. The checksums are of no file. */
export function manifestOf(count: number): Manifest {
  const migrations = Array.from({ length: count }, (_, i) => {
    const name = `${String(i + 1).padStart(4, '0')}_a_migration_with_a_name_of_usual_length`
    return { name, checksum: createHash('sha256').update(name).digest('hex'), kind: 'sql', breaking: false } as const
  })
  return { version: 1, head: migrations.at(-1)?.name ?? null, migrations }
}

/** Writes the manifest's migrations as the applied ones, in place of those that are there. */
export async function fillLedger(client: Client, manifest: Manifest): Promise<void> {
  await client.query('truncate schemagate.ledger')
  await client.query(
    `insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
     select name, checksum, ordinality, 'sql', gen_random_uuid(), 'bench'
     from rows from (jsonb_to_recordset($1) as (name text, checksum text)) with ordinality`,
    [JSON.stringify(manifest.migrations)],
  )
  await client.query('analyze schemagate.ledger')
}
