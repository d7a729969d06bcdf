// The trace that an operator's `repair` leaves in a row's journal, as SQL expressions.

import { quoteLiteral } from '../../gate/postgres/quote.ts'

/** What was done to a row. `checksum`, `runId` and `migration`, its name before, are expressions. */
export function repairEntry(action: string, checksum: string, runId: string, migration?: string): string {
  return (
    `pg_catalog.jsonb_build_object('action', ${quoteLiteral(action)}, 'checksum', ${checksum}, ` +
    `${migration === undefined ? '' : `'migration', ${migration}, `}` +
    `'at', pg_catalog.clock_timestamp(), 'by', session_user, 'run', ${runId})`
  )
}

/** The journal with more entries, an array, behind its `repairs`. */
export function addRepairs(entries: string): string {
  return `coalesce(journal, '{}') || pg_catalog.jsonb_build_object('repairs', coalesce(journal->'repairs'::text, '[]') || ${entries})`
}
