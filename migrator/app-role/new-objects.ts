// Rights on what a migration makes, as if they had been given at the moment of its creation, inside its own transaction.
//
// In a schema that the role was given, the default privileges of the migrator's role do this by themselves. A new schema
// has none yet, so a migration that makes one is opened: default privileges for all schemas, seen by its transaction alone
// and taken back at its end. What is left then has no access list at all, because another role made it or a schema came out
// of dynamic SQL: nothing has been decided about that, and it is given what the schema's default privileges say.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Grants } from '../ledger/changes.ts'
import { known, memoryTable } from './memory.ts'
import { defaultPrivileges } from './rights.ts'

/** To whom, and where. */
export interface GrantOptions {
  readonly role: string
  /** The ledger's. */
  readonly schema: string
  /** Where rights are given; undefined is everywhere. */
  readonly schemas?: readonly string[] | undefined
}

/** What is given to the role in the transactions of migrations. */
export function grantsOf(options: GrantOptions): Grants {
  const opening = openStatements(options)
  return {
    before: sql => (makesSchema(sql, options.schemas) ? opening : ''),
    after: closeStatement(options),
  }
}

const CREATE_SCHEMA = /\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?("(?:[^"]|"")+"|[\w$]+)/gi

/**
 * Does this SQL make schemas, and only such as the app is given? One that is made by dynamic SQL is seen to at the end, and so
 * are those of a file that makes others as well.
 */
function makesSchema(sql: string, schemas: readonly string[] | undefined): boolean {
  const made = [...sql.matchAll(CREATE_SCHEMA)].map(([, name]) =>
    name!.startsWith('"') ? name!.slice(1, -1).replaceAll('""', '"') : name!.toLowerCase(),
  )
  return made.length > 0 && made.every(name => schemas?.includes(name) ?? true)
}

/** PL/pgSQL for the start of a migration's transaction. A role with such default privileges of its own is left alone. */
function openStatements({ role, schema }: GrantOptions): string {
  const table = memoryTable(schema)
  const to = quoteIdent(role)
  return `if exists (select from ${table} m where m.role = ${quoteLiteral(role)} and m.grants and not m.opened)
    and not exists (select from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) as x
      where d.defaclnamespace = '0' and d.defaclrole = (select oid from pg_catalog.pg_roles where rolname = current_user)
        and x.grantee = (select oid from pg_catalog.pg_roles where rolname = ${quoteLiteral(role)})) then
    ${defaultPrivileges('grant', to).join(';')};
    alter default privileges grant usage on schemas to ${to};
    update ${table} set opened = true where role = ${quoteLiteral(role)};
  end if;`
}

/**
 * A statement for the end of a transaction that made something: ends what was opened, gives the schemas that are new, and
 * what has no access list in them. Run as the migrator's own role. Changes nothing where nothing is new.
 */
function closeStatement({ role, schema, schemas }: GrantOptions): string {
  const table = memoryTable(schema)
  const to = quoteIdent(role)
  const list = (schemas ?? []).map(quoteLiteral).join(', ')
  const wanted = schemas === undefined ? '' : `and n.nspname in (${list})`
  const inSchema = (statement: string) =>
    `execute pg_catalog.format(${quoteLiteral(statement.replaceAll('%', '%%').replace('in schema @', 'in schema %I'))}, space.nspname);`
  return `do ${quoteLiteral(`declare
  app oid := (select oid from pg_catalog.pg_roles where rolname = ${quoteLiteral(role)});
  me oid := (select oid from pg_catalog.pg_roles where rolname = current_user);
  top bigint := pg_catalog.pg_current_xact_id_if_assigned()::text::bigint;
  m record;
  space record;
  made record;
  fresh oid[] := '{}';
begin
  if app is null or top is null then return; end if;
  select * into m from ${table} where role = ${quoteLiteral(role)};
  if m.opened then
    ${defaultPrivileges('revoke', to).join(';')};
    alter default privileges revoke usage on schemas from ${to};
    update ${table} set opened = false where role = ${quoteLiteral(role)};
    ${schemas === undefined ? '' : takeBack(role, list)}
  end if;
  if m.grants is distinct from true then return; end if;
  -- A row is new if this transaction, or a part of it, wrote it.
  for space in
    select n.*, ${isNew('n.xmin')} as written,
      exists (select from pg_catalog.aclexplode(n.nspacl) as x where x.grantee = app) as given
    from pg_catalog.pg_namespace n
    where n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema' ${wanted} and not ${known}
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid
        and d.objid = n.oid and d.deptype = 'e')
      -- one that is made in the place of another is new; one that has a known name otherwise was looked at before the migration
      and (${isNew('n.xmin')} or not m.schemas ? n.nspname::text and exists (select from pg_catalog.pg_depend d
        where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid and d.refobjid = n.oid
          and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.deptype = 'n' and ${isNew('d.xmin')}))
  loop
    update ${table} set schemas = schemas || pg_catalog.jsonb_build_object(space.nspname, space.oid) where role = ${quoteLiteral(role)};
    -- Made, or its rights changed, without a right of the app's in the end: that was decided.
    if space.written and space.nspacl is not null and not space.given then continue; end if;
    if not space.given and pg_catalog.pg_has_role(space.nspowner, 'USAGE') then
      execute pg_catalog.format('grant usage on schema %I to %I', space.nspname, ${quoteLiteral(role)});
    end if;
    if pg_catalog.has_schema_privilege(space.oid, 'CREATE') then
      ${defaultPrivileges('grant', to, '@').map(inSchema).join('\n      ')}
      fresh := fresh || space.oid;
    end if;
  end loop;
  for made in
    select s.nspname, r.relname, r.relkind, pg_catalog.string_agg(x.privilege_type, ', ') as privileges
    from pg_catalog.pg_depend d join pg_catalog.pg_class r on r.oid = d.objid
      join pg_catalog.pg_namespace s on s.oid = r.relnamespace
      join pg_catalog.pg_default_acl a on a.defaclrole = me and a.defaclnamespace = s.oid
        and a.defaclobjtype = case r.relkind when 'S' then 'S'::"char" else 'r' end,
      pg_catalog.aclexplode(a.defaclacl) as x
    where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid and d.deptype = 'n'
      and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and ${isNew('d.xmin')}
      and r.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and r.relacl is null and x.grantee = app
      and (r.relowner <> me or s.oid = any (fresh)) and pg_catalog.pg_has_role(r.relowner, 'USAGE')
      and not exists (select from pg_catalog.pg_depend e where e.classid = d.classid and e.objid = r.oid and e.deptype = 'e')
    group by s.nspname, r.relname, r.relkind
  loop
    execute pg_catalog.format('grant %s on %s %I.%I to %I', made.privileges,
      case made.relkind when 'S' then 'sequence' else 'table' end, made.nspname, made.relname, ${quoteLiteral(role)});
  end loop;
end`)};`
}

/** PL/pgSQL that takes from the role what was opened for it outside of the schemas that it is given. */
function takeBack(role: string, list: string): string {
  return `for made in
      select s.nspname, r.relname, r.relkind
      from pg_catalog.pg_depend d join pg_catalog.pg_class r on r.oid = d.objid
        join pg_catalog.pg_namespace s on s.oid = r.relnamespace
      where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid and d.deptype = 'n'
        and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and ${isNew('d.xmin')}
        and r.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and r.relowner = me and s.nspname not in (${list})
        and exists (select from pg_catalog.aclexplode(r.relacl) as x where x.grantee = app)
    loop
      execute pg_catalog.format('revoke all on %s %I.%I from %I',
        case made.relkind when 'S' then 'sequence' else 'table' end, made.nspname, made.relname, ${quoteLiteral(role)});
    end loop;`
}

/** A condition: this transaction wrote the row with this xmin. Its parts have numbers of their own, above its own. */
function isNew(xmin: string): string {
  return `case when pg_catalog.age(${xmin}) <= 0
    then pg_catalog.pg_xact_status((top - pg_catalog.age(${xmin}))::text::pg_catalog.xid8) = 'in progress' else false end`
}
