// What is in the database and is not the project's: what extensions brought, and schemagate's own ledgers.

import { ledgerTables } from '../../ledger/rights.ts'
import { isLedgerRoutine } from '../../ledger/table.ts'

/** A query for the catalogue and the oid of each such object; what is a part of one goes with it. */
export const notTheirs = `
with ledger as materialized (${ledgerTables})
select d.classid, d.objid from pg_depend d where d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass
union all select 'pg_class'::regclass, oid from ledger
union all select 'pg_class'::regclass, s.objid from pg_depend s join ledger l on s.refclassid = 'pg_class'::regclass and s.refobjid = l.oid
  where s.classid = 'pg_class'::regclass and s.deptype in ('a', 'i')
union all select 'pg_proc'::regclass, p.oid from pg_proc p where ${isLedgerRoutine}
  and p.pronamespace in (select relnamespace from ledger)
union all select 'pg_namespace'::regclass, n.oid from pg_namespace n where n.nspname <> 'public' and n.oid in (select relnamespace from ledger)
`
