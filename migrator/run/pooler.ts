// What cannot be done through a pooler: in transaction mode each transaction may get another session, and a client cannot
// tell that from session mode.

import { RefusedError } from '../errors.ts'
import type { Run } from './run.ts'

/** Behind a pooler nothing may hold from one statement to the next: refuse what needs that. */
export function refuseBehindPooler(run: Run, name: string): void {
  if (run.session.pooled)
    throw new RefusedError(
      `${name} cannot run in one transaction, and the connection goes through a pooler (PgBouncer or the like), where ` +
        'neither the run lock nor settings hold between statements. Give the migrator a direct DATABASE_URL.',
    )
}
