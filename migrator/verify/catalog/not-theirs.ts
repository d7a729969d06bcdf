// What is in the database and is not the project's: what extensions brought, and schemagate's own ledgers.

import { ledgerTables } from '../../ledger/rights.ts'
import { isLedgerRoutine } from '../../ledger/table.ts'

/** A query for the catalogue and the oid of each such object; what is a part of one goes with it. */
export const notTheirs = `
with ledger as materialized (${ledgerTables})
select d.classid, d.objid from pg_depend d where d.deptype = 'e' and d.refclassid = 'pg_extension'::pg_catalog.regclass::pg_catalog.oid
union all select 'pg_class'::pg_catalog.regclass::pg_catalog.oid, oid from ledger
union all select 'pg_class'::pg_catalog.regclass::pg_catalog.oid, s.objid from pg_depend s join ledger l on s.refclassid = 'pg_class'::pg_catalog.regclass::pg_catalog.oid and s.refobjid = l.oid
  where s.classid = 'pg_class'::pg_catalog.regclass::pg_catalog.oid and s.deptype in ('a', 'i')
union all select 'pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid from pg_proc p where ${isLedgerRoutine}
  and p.pronamespace in (select relnamespace from ledger)
union all select 'pg_namespace'::pg_catalog.regclass::pg_catalog.oid, n.oid from pg_namespace n where n.nspname <> 'public' and n.oid in (select relnamespace from ledger)
`
