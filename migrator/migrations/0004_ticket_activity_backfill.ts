// migrate:up transaction:false
// Fills in when tickets from before 0003 were last touched, in batches that each lock little and commit at once.

import type { MigrationContext } from '../apply/code-context.ts'

const batchSize = 1000

/** Safe to run again at any time: it takes up what is still empty, and each batch is one statement. */
export async function up({ query, log, signal }: MigrationContext): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000'
  let filled = 0
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await query(
      `with batch as (
         select id from tickets where last_activity_at is null and id > $1 order by id limit $2 for update
       ), filled as (
         update tickets t
         set last_activity_at = greatest(
           t.updated_at,
           (select max(c.created_at) from ticket_comments c
            where c.organization_id = t.organization_id and c.ticket_id = t.id)
         )
         from batch where t.id = batch.id
         returning t.id
       )
       select id::text as id from filled order by id desc`,
      [after, batchSize],
    )
    const last = rows[0]
    if (last === undefined) break
    after = String(last.id)
    filled += rows.length
    log.info({ filled }, 'tickets filled in')
  }
}

/** Nothing to undo: the column goes with 0003. */
export async function down(): Promise<void> {}
