// What is in the database and is not the project's: what extensions brought, and schemagate's own ledgers.

import { ledgerTables } from '../../ledger/rights.ts'
import { ledgerRoutines } from '../../ledger/table.ts'
import { literal } from './kind.ts'

/** Functions and procedures that stand beside a ledger: gate/protocol/require.ts, ledger/table.ts, ledger/procedures.ts. */
const ledgerFunctions = ['tell_gates', ...ledgerRoutines]

/** A query for the catalogue and the oid of each such object; what is a part of one goes with it. */
export const notTheirs = `
with ledger as materialized (${ledgerTables})
select d.classid, d.objid from pg_depend d where d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass
union all select 'pg_class'::regclass, oid from ledger
union all select 'pg_class'::regclass, s.objid from pg_depend s join ledger l on s.refclassid = 'pg_class'::regclass and s.refobjid = l.oid
  where s.classid = 'pg_class'::regclass and s.deptype in ('a', 'i')
union all select 'pg_proc'::regclass, p.oid from pg_proc p where p.proname in (${ledgerFunctions.map(literal).join(', ')})
  and p.pronamespace in (select relnamespace from ledger)
union all select 'pg_namespace'::regclass, n.oid from pg_namespace n where n.nspname <> 'public' and n.oid in (select relnamespace from ledger)
`
