// What the database has now of the app's role: its attributes, and what it lacks or has too much of. One query.

import type pg from 'pg'

/** A thing that the role lacks privileges on. `grantable`: this connection may grant them. */
export interface Lacking {
  readonly kind: 'database' | 'schema' | 'table' | 'sequence' | 'routine' | 'type'
  /** Quoted, with its schema; a routine with its arguments. */
  readonly name: string
  readonly privileges: readonly string[]
  readonly grantable: boolean
}

/** Objects that later migrations make in a schema, and what the role would lack on them. */
export interface LackingDefault {
  readonly schema: string
  readonly kind: 'tables' | 'sequences' | 'routines' | 'types'
  readonly privileges: readonly string[]
}

/** A privilege that the role must not have. */
export interface Excess {
  readonly kind: 'schema' | 'database' | 'table'
  readonly name: string
  readonly privileges: readonly string[]
  readonly revocable: boolean
}

export interface RoleAttributes {
  readonly superuser: boolean
  readonly createdb: boolean
  readonly createrole: boolean
  readonly replication: boolean
  readonly bypassrls: boolean
  readonly login: boolean
  /** `valid until` is past. */
  readonly expired: boolean
  /** Something that it owns in this database or on the server, described. */
  readonly owns: string | null
  /** Roles that it was made a member of and that lead to more than an app should have. */
  readonly memberOf: readonly string[]
}

export interface Facts {
  readonly me: string
  readonly sessionUser: string
  readonly superuser: boolean
  readonly readsPasswords: boolean
  readonly database: string
  readonly scramIterations: number | null
  readonly role: RoleAttributes | null
  /** Empty as long as the role does not exist. */
  readonly lacking: readonly Lacking[]
  readonly defaults: readonly LackingDefault[]
  readonly excess: readonly Excess[]
}

/**
 * Reads the facts. In a transaction with `search_path = pg_catalog`, so that names come out with their schema.
 * Extensions' own objects are left alone: they come with the grants that the extension wants them to have.
 */
export async function readFacts(client: pg.ClientBase, role: string, ledgerSchema: string): Promise<Facts> {
  const { rows } = await client.query<{ facts: Facts }>(FACTS, [role, ledgerSchema])
  return rows[0]!.facts
}

const FACTS = `
with me as (select oid, rolname, rolsuper from pg_roles where rolname = current_user),
app as (select * from pg_roles where rolname = $1),
extension_objects as (select classid, objid from pg_depend where deptype = 'e'),
schemas as (
  select n.oid, n.nspname, n.nspname = $2 as is_ledger, quote_ident(n.nspname) as name,
    pg_has_role(n.nspowner, 'USAGE') as mine
  from pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from extension_objects e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid)
),
relations as (
  select c.oid, c.relkind, s.is_ledger, s.name || '.' || quote_ident(c.relname) as name,
    pg_has_role(c.relowner, 'USAGE') as mine
  from pg_class c join schemas s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and not exists (select from extension_objects e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
),
wanted (kind, name, privilege, had, mine) as (
  select 'schema', s.name, 'usage', has_schema_privilege(app.oid, s.oid, 'USAGE'), s.mine
  from app, schemas s
  union all
  select 'table', r.name, p.privilege, has_table_privilege(app.oid, r.oid, p.privilege), r.mine
  from app, relations r, unnest(case when r.is_ledger or r.relkind = 'm' then array['select']
    else array['select', 'insert', 'update', 'delete'] end) as p (privilege)
  where r.relkind <> 'S'
  union all
  select 'sequence', r.name, p.privilege, has_sequence_privilege(app.oid, r.oid, p.privilege), r.mine
  from app, relations r, unnest(array['usage', 'select', 'update']) as p (privilege)
  where r.relkind = 'S' and not r.is_ledger
  union all
  select 'routine', f.oid::regprocedure::text, 'execute', has_function_privilege(app.oid, f.oid, 'EXECUTE'),
    pg_has_role(f.proowner, 'USAGE')
  from app, pg_proc f join schemas s on s.oid = f.pronamespace
  where not exists (select from extension_objects e where e.classid = 'pg_proc'::regclass and e.objid = f.oid)
  union all
  select 'type', format_type(t.oid, null), 'usage', has_type_privilege(app.oid, t.oid, 'USAGE'),
    pg_has_role(t.typowner, 'USAGE')
  from app, pg_type t join schemas s on s.oid = t.typnamespace
  where not s.is_ledger and t.typtype in ('b', 'c', 'd', 'e', 'r') and t.typelem = 0
    and not exists (select from pg_class c where c.oid = t.typrelid and c.relkind <> 'c')
    and not exists (select from extension_objects e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
),
wanted_defaults (schema, kind, code, privilege) as (
  select s.name, d.kind, d.code, p.privilege
  from schemas s, (values ('tables', 'r', array['select', 'insert', 'update', 'delete']),
    ('sequences', 'S', array['usage', 'select', 'update']), ('routines', 'f', array['execute']),
    ('types', 'T', array['usage'])) as d (kind, code, privileges), unnest(d.privileges) as p (privilege)
  where not s.is_ledger and has_schema_privilege(s.oid, 'CREATE') and exists (select from app)
    and not exists (
      select from me, app, pg_default_acl a, aclexplode(a.defaclacl) as x
      where a.defaclrole = me.oid and a.defaclnamespace = s.oid and a.defaclobjtype = d.code::"char"
        and x.grantee = app.oid and lower(x.privilege_type) = p.privilege)
),
unwanted (kind, name, privilege, mine) as (
  select 'schema', s.name, 'create', s.mine from app, schemas s where has_schema_privilege(app.oid, s.oid, 'CREATE')
  union all
  select 'database', quote_ident(d.datname), 'create', pg_has_role(d.datdba, 'USAGE')
  from app, pg_database d where d.datname = current_database() and has_database_privilege(app.oid, d.oid, 'CREATE')
  union all
  select 'table', r.name, p.privilege, r.mine
  from app, relations r, unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p (privilege)
  where r.is_ledger and r.relkind <> 'S' and has_table_privilege(app.oid, r.oid, p.privilege)
),
powerful as (
  select r.oid
  from app, me, pg_roles r
  where r.oid <> app.oid and pg_has_role(app.oid, r.oid, 'MEMBER')
    and (r.oid = me.oid or r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls
      or r.rolname in ('pg_write_all_data', 'pg_maintain', 'pg_execute_server_program', 'pg_read_server_files',
        'pg_write_server_files')
      or exists (select from pg_shdepend o where o.refclassid = 'pg_authid'::regclass and o.refobjid = r.oid
        and o.deptype = 'o' and o.dbid in (0, (select oid from pg_database where datname = current_database()))))
),
groups as (
  select distinct g.rolname
  from app join pg_auth_members m on m.member = app.oid join pg_roles g on g.oid = m.roleid
  where exists (select from powerful p where pg_has_role(g.oid, p.oid, 'MEMBER'))
)
select jsonb_build_object(
  'me', current_user, 'sessionUser', session_user, 'superuser', (select rolsuper from me),
  'readsPasswords', has_table_privilege('pg_authid', 'SELECT'),
  'database', current_database(),
  'scramIterations', current_setting('scram_iterations', true)::int,
  'role', (select jsonb_build_object(
    'superuser', app.rolsuper, 'createdb', app.rolcreatedb, 'createrole', app.rolcreaterole,
    'replication', app.rolreplication, 'bypassrls', app.rolbypassrls, 'login', app.rolcanlogin,
    'expired', coalesce(app.rolvaliduntil < now(), false),
    'owns', (select pg_describe_object(o.classid, o.objid, o.objsubid) from pg_shdepend o
      where o.refclassid = 'pg_authid'::regclass and o.refobjid = app.oid and o.deptype = 'o'
        and o.dbid in (0, (select oid from pg_database where datname = current_database()))
      order by o.dbid desc, o.classid, o.objid limit 1),
    'memberOf', (select coalesce(jsonb_agg(rolname order by rolname), '[]') from groups)) from app),
  'lacking', (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'privileges', privileges,
      'grantable', mine) order by kind, name), '[]')
    from (select kind, name, mine, jsonb_agg(privilege order by privilege) as privileges
      from wanted where not had group by kind, name, mine
      union all
      select 'database', quote_ident(current_database()), pg_has_role(d.datdba, 'USAGE'), '["connect"]'
      from app, pg_database d
      where d.datname = current_database() and not has_database_privilege(app.oid, d.oid, 'CONNECT')) as w),
  'defaults', (select coalesce(jsonb_agg(jsonb_build_object('schema', schema, 'kind', kind, 'privileges', privileges)
      order by schema, kind), '[]')
    from (select schema, kind, jsonb_agg(privilege order by privilege) as privileges
      from wanted_defaults group by schema, kind) as d),
  'excess', (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'privileges', privileges,
      'revocable', mine) order by kind, name), '[]')
    from (select kind, name, mine, jsonb_agg(privilege order by privilege) as privileges
      from unwanted group by kind, name, mine) as u)
) as facts`
