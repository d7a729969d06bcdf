// Is the app's role as it should be, at the least cost? One condition, which says yes for the role that a run has left.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { readableTables } from '../../gate/protocol/ledger.ts'
import { ledgerTables } from '../ledger/table.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import { addedSchemas, memoryTable, movedSchemas } from './memory.ts'
import { saslprep } from './saslprep.ts'
import { verifies } from './scram.ts'

/** The question, a part of a longer one, and what its answer means. */
export interface PlainRole {
  /** An expression of type jsonb, for who may read pg_authid. */
  readonly sql: string
  /**
   * True: `checkRole` would find nothing to do and nothing to note. False: it has to be asked. It is told by what the
   * server has now, also the password: an ALTER ROLE, a GRANT or a new owner is noticed by the next run.
   */
  isAsItShouldBe(answer: RoleAnswer | null): Promise<boolean>
}

/** What the server says of the role. */
export interface RoleAnswer {
  readonly plain: boolean
  readonly verifier: string | null
}

/** The question for this role and the ledger in `schema`; the ledger must be there. */
export function plainRole({ name, password = '', schemas = [] }: AppRoleOptions, schema: string): PlainRole {
  const prepared = saslprep(password)
  return {
    sql: plainRoleSql(name, schema, schemas),
    async isAsItShouldBe(answer) {
      if (!answer?.plain || answer.verifier === null || prepared === undefined) return false
      return verifies(answer.verifier, prepared)
    },
  }
}

/**
 * It may log in and has no other attribute, no role, no setting and nothing of its own; it may make nothing, reads the ledger
 * and cannot change it. A role that an operator has given more is for `checkRole` to judge.
 */
function plainRoleSql(role: string, schema: string, schemas: readonly string[]): string {
  const names = (list: readonly string[]) => list.map(quoteLiteral).join(', ')
  return `(select pg_catalog.jsonb_build_object('verifier', a.rolpassword, 'plain',
    a.rolcanlogin and a.rolconnlimit <> 0 and coalesce(a.rolvaliduntil >= pg_catalog.now(), true)
    and not (a.rolsuper or a.rolcreatedb or a.rolcreaterole or a.rolreplication or a.rolbypassrls)
    and a.rolname not in (current_user, session_user)
    and not exists (select from pg_catalog.pg_auth_members m where m.member = a.oid)
    and not exists (select from pg_catalog.pg_db_role_setting s where s.setrole = a.oid)
    and not exists (select from pg_catalog.pg_shdepend o where o.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid
      and o.refobjid = a.oid and o.deptype = 'o' and o.dbid in ('0', d.oid))
    and not pg_catalog.has_database_privilege(a.oid, d.oid, 'create')
    and not exists (select from pg_catalog.pg_namespace n where n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema'
      and pg_catalog.has_schema_privilege(a.oid, n.oid, 'create'))
    and not exists (select from pg_catalog.pg_class c where c.relkind = 'r' and c.relname in (${names(Object.keys(ledgerTables))})
      and (pg_catalog.has_table_privilege(a.oid, c.oid, 'insert, update, delete, truncate, references, trigger')
        or c.relname = 'runs' and pg_catalog.has_table_privilege(a.oid, c.oid, 'select')
        or c.relnamespace = l.oid and c.relname in (${names(readableTables)}) and not pg_catalog.has_table_privilege(a.oid, c.oid, 'select')))
    and not exists (select from pg_catalog.pg_proc p where p.pronamespace = l.oid and p.proname = 'require'
      and not pg_catalog.has_function_privilege(a.oid, p.oid, 'execute'))
    and pg_catalog.has_schema_privilege(a.oid, l.oid, 'usage')
    and exists (select from ${memoryTable(schema)} m where m.role = a.rolname and not exists (select from ${movedSchemas})
      ${schemas.length > 0 ? `and not exists (select from ${addedSchemas(`array[${names(schemas)}]`)})` : ''}))
  from pg_catalog.pg_authid a, pg_catalog.pg_database d, pg_catalog.pg_namespace l
  where a.rolname = ${quoteLiteral(role)} and d.datname = pg_catalog.current_database() and l.nspname = ${quoteLiteral(schema)})`
}
