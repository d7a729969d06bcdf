// What the database has now of the app's role: its attributes, what it owns, and its rights on every ledger. One query.

import type pg from 'pg'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { readableTables } from '../../gate/protocol/ledger.ts'
import { ledgerTables } from '../ledger/rights.ts'
import { type Settings, settingsExpression } from './settings.ts'

export interface RoleAttributes {
  readonly superuser: boolean
  readonly createdb: boolean
  readonly createrole: boolean
  readonly replication: boolean
  readonly bypassrls: boolean
  readonly login: boolean
  /** `valid until` is past. */
  readonly expired: boolean
  /** `connection limit 0`. */
  readonly noConnections: boolean
  /** Something that it owns in this database or on the server and that an app should not own, described. */
  readonly owns: string | null
  /** Something that it owns and that does no harm, described: a large object, default privileges. */
  readonly ownsHarmless: string | null
  /** Roles that it was made a member of and that lead to more than an app should have. */
  readonly memberOf: readonly string[]
}

/** A right that the role must not have: on a ledger, or to make objects. */
export interface Excess {
  readonly kind: 'schema' | 'database' | 'table'
  readonly name: string
  readonly privileges: readonly string[]
  readonly revocable: boolean
  /** The ledger's own: it is schemagate's to take away at any time. */
  readonly ledger: boolean
}

export interface RoleState {
  readonly me: string
  readonly sessionUser: string
  readonly superuser: boolean
  readonly readsPasswords: boolean
  readonly database: string
  readonly scramIterations: number | null
  readonly role: RoleAttributes | null
  /** The table in which this ledger remembers the app's roles. */
  readonly remembers: boolean
  /** The role was given the ledger to read: this release or an earlier one has set it up. */
  readonly readsLedger: boolean
  /** Grants on this run's own ledger that are still needed: "usage on schema x", "select on table x.ledger". */
  readonly lackingOnLedger: readonly string[]
  readonly excess: readonly Excess[]
  readonly settings: Settings
  /** The names of all schemas. */
  readonly schemas: readonly string[]
}

/** What an app reads of its ledger. */
const readable = `(${readableTables.map(quoteLiteral).join(', ')})`

/** Reads the state of a role for the ledger in `schema`. */
export async function readRoleState(client: pg.ClientBase, role: string, schema: string): Promise<RoleState> {
  const { rows } = await client.query<{ state: RoleState }>(FACTS, [role, schema])
  return rows[0]!.state
}

const FACTS = `
with me as (select oid, rolname, rolsuper from pg_catalog.pg_roles where rolname = current_user),
app as (select * from pg_catalog.pg_roles where rolname = $1),
here as (select oid, datname, datdba from pg_catalog.pg_database where datname = pg_catalog.current_database()),
own as (select oid, nspname from pg_catalog.pg_namespace where nspname = $2),
ledgers as (
  select l.*, n.nspname, pg_catalog.format('%I.%I', n.nspname, l.relname) as name,
    pg_catalog.pg_has_role(l.relowner, 'USAGE') as mine
  from (${ledgerTables}) as l join pg_catalog.pg_namespace n on n.oid = l.relnamespace
),
-- schemas in which there is nothing but a ledger
ledger_schemas as (
  select distinct l.relnamespace as oid from ledgers l
  where not exists (select from pg_catalog.pg_class c where c.relnamespace = l.relnamespace
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.oid not in (select oid from ledgers))
),
owned as (
  select o.*, coalesce(o.dbid <> '0' and (
      o.classid in ('pg_catalog.pg_largeobject'::pg_catalog.regclass::pg_catalog.oid, 'pg_catalog.pg_largeobject_metadata'::pg_catalog.regclass::pg_catalog.oid,
        'pg_catalog.pg_default_acl'::pg_catalog.regclass::pg_catalog.oid)), false) as harmless
  from app, here, pg_catalog.pg_shdepend o
  where o.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid and o.refobjid = app.oid and o.deptype = 'o'
    and o.dbid in ('0', here.oid)
    and not exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and c.oid = o.objid and n.nspname::text ~ '^pg_temp_')
    and not exists (select from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      where o.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid and t.oid = o.objid and n.nspname::text ~ '^pg_temp_')
    and not exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where o.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid and p.oid = o.objid and n.nspname::text ~ '^pg_temp_')
),
unwanted (kind, name, privilege, mine, ledger) as (
  select 'schema', pg_catalog.quote_ident(n.nspname), 'create', pg_catalog.pg_has_role(n.nspowner, 'USAGE'),
    n.oid in (select oid from ledger_schemas)
  from app, pg_catalog.pg_namespace n
  where n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema' and pg_catalog.has_schema_privilege(app.oid, n.oid, 'CREATE')
  union all
  select 'database', pg_catalog.quote_ident(here.datname), 'create', pg_catalog.pg_has_role(here.datdba, 'USAGE'), false
  from app, here where pg_catalog.has_database_privilege(app.oid, here.oid, 'CREATE')
  union all
  select 'table', l.name, p.privilege, l.mine, true
  from app, ledgers l, pg_catalog.unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger',
    -- the texts of errors; a migrator of 0.1 grants it with the rest
    case when l.relname = 'runs' then 'select' end]) as p (privilege)
  where pg_catalog.has_table_privilege(app.oid, l.oid, p.privilege)
),
powerful as (
  select r.oid
  from app, me, here, pg_catalog.pg_roles r
  where r.oid <> app.oid and pg_catalog.pg_has_role(app.oid, r.oid, 'MEMBER')
    and (r.oid = me.oid or r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls
      or r.rolname in ('pg_write_all_data', 'pg_maintain', 'pg_execute_server_program', 'pg_read_server_files',
        'pg_write_server_files')
      or exists (select from pg_catalog.pg_shdepend o where o.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid
        and o.refobjid = r.oid and o.deptype = 'o' and o.dbid in ('0', here.oid)))
),
groups as (
  select distinct g.rolname
  from app join pg_catalog.pg_auth_members m on m.member = app.oid join pg_catalog.pg_roles g on g.oid = m.roleid
  where exists (select from powerful p where pg_catalog.pg_has_role(g.oid, p.oid, 'MEMBER'))
)
select pg_catalog.jsonb_build_object(
  'me', current_user, 'sessionUser', session_user, 'superuser', (select rolsuper from me),
  'readsPasswords', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT'),
  'database', pg_catalog.current_database(),
  'scramIterations', pg_catalog.current_setting('scram_iterations', true)::int,
  'role', (select pg_catalog.jsonb_build_object(
    'superuser', app.rolsuper, 'createdb', app.rolcreatedb, 'createrole', app.rolcreaterole,
    'replication', app.rolreplication, 'bypassrls', app.rolbypassrls, 'login', app.rolcanlogin,
    'expired', coalesce(app.rolvaliduntil < pg_catalog.now(), false), 'noConnections', app.rolconnlimit = 0,
    'owns', (select i.type || ' ' || i.identity from owned o, pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) as i
      where not o.harmless order by o.dbid desc, o.classid, o.objid limit 1),
    'ownsHarmless', (select i.type || ' ' || i.identity from owned o, pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) as i
      where o.harmless order by o.classid, o.objid limit 1),
    'memberOf', (select coalesce(pg_catalog.jsonb_agg(rolname order by rolname), '[]') from groups)) from app),
  'remembers', exists (select from ledgers where nspname = $2 and relname = 'schemagate_app_roles'),
  'readsLedger', exists (select from app, ledgers l join pg_catalog.pg_class c on c.oid = l.oid,
    pg_catalog.aclexplode(c.relacl) as x where l.nspname = $2 and l.relname = 'ledger' and x.grantee = app.oid),
  'lackingOnLedger', (select coalesce(pg_catalog.jsonb_agg(needed order by needed), '[]') from (
    select pg_catalog.format('usage on schema %I', own.nspname) from app, own
    where not pg_catalog.has_schema_privilege(app.oid, own.oid, 'USAGE')
    union all
    select pg_catalog.format('select on table %s', l.name) from app, ledgers l
    where l.nspname = $2 and l.relname in ${readable} and not pg_catalog.has_table_privilege(app.oid, l.oid, 'SELECT')
    union all
    select pg_catalog.format('execute on function %I.%I(%s)', own.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes))
    from app, own, pg_catalog.pg_proc p
    where p.pronamespace = own.oid and p.proname = 'require' and p.prorettype = 'bool'::pg_catalog.regtype::pg_catalog.oid
      and not pg_catalog.has_function_privilege(app.oid, p.oid, 'EXECUTE')) as n (needed)),
  'excess', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('kind', kind, 'name', name,
      'privileges', privileges, 'revocable', mine, 'ledger', ledger) order by kind, name), '[]')
    from (select kind, name, mine, ledger, pg_catalog.jsonb_agg(privilege order by privilege) as privileges
      from unwanted group by kind, name, mine, ledger) as u),
  'settings', ${settingsExpression},
  'schemas', (select pg_catalog.jsonb_agg(n.nspname order by n.nspname) from pg_catalog.pg_namespace n where n.nspname::text !~ '^pg_')
) as state`
