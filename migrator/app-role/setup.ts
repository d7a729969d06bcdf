// Setting an app's role up, once: what it is given on what is there already, and default privileges for what comes.

import type pg from 'pg'
import { quoteIdent } from '../../gate/postgres/quote.ts'
import { ledgerTables } from '../ledger/rights.ts'
import { known, memoryTable, rememberSchemas } from './memory.ts'
import { defaultPrivileges, notExtension, sequenceRights, tableRights } from './rights.ts'

export interface SetUpOptions {
  readonly role: string
  /** The ledger's. */
  readonly schema: string
  /** Where rights are given; undefined is everywhere. */
  readonly schemas?: readonly string[] | undefined
  /** The ledger has migrations already: what is there is what they made. */
  readonly migrated: boolean
  /**
   * Why it is done when the ledger remembers the role: the whole `database` or some schemas have `lost` what was given there, as
   * by a restore without access lists; or schemas are `added` to those that are named.
   */
  readonly again?: 'database' | 'lost' | 'added' | undefined
}

interface Space {
  readonly name: string
  readonly quoted: string
  readonly oid: number
  /** This connection may grant usage on it. */
  readonly mine: boolean
  readonly creatable: boolean
  readonly given: boolean
  /** PUBLIC may make objects in it, as databases from before version 15 have it. */
  readonly open: boolean
  readonly usable: boolean
}

interface Present {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'sequence'
  readonly mine: boolean
}

interface Situation {
  /** What the role may do on tables here, by itself or as a member of others: '' is nothing. */
  readonly before: '' | 'read' | 'write'
  readonly connects: boolean
  readonly mayConnect: boolean
  readonly grantsConnect: boolean
  readonly database: string
  readonly spaces: readonly Space[]
  readonly present: readonly Present[]
}

export interface SetUp {
  readonly statements: readonly string[]
  readonly notes: readonly string[]
}

/**
 * The statements that set up a role which the ledger does not remember, or which has nothing of what it remembers.
 *
 * - A role without rights on any table: usage on the schemas and rights on what migrations of this ledger have made; on
 *   what else is there only in the schemas on the migrator's search path, or in those that were named.
 * - A role that had rights before keeps them as they are. What is new is given to it, unless it could only read.
 * - A role that an earlier release has set up (`upgraded`) has everything, less what was taken away.
 */
export async function setUp(client: pg.ClientBase, options: SetUpOptions, upgraded: boolean): Promise<SetUp> {
  const { role, schema, schemas, migrated, again } = options
  const { rows } = await client.query<{ situation: Situation }>(SITUATION, [
    role,
    schemas ?? null,
    migrated,
    again === 'added',
  ])
  const { spaces, present, ...database } = rows[0]!.situation
  const before = again === undefined || again === 'added' ? database.before : ''
  const to = quoteIdent(role)
  const grants = upgraded || before !== 'read' || again !== undefined
  const remember = (noted: readonly Space[]) => rememberSchemas(schema, role, grants, noted)
  // with a grant of its own, a later `revoke connect ... from public` does not shut the app out
  const connect =
    (again === undefined || again === 'database') &&
    !database.connects &&
    database.grantsConnect &&
    (grants || !database.mayConnect)
      ? [`grant connect on database ${quoteIdent(database.database)} to ${to}`]
      : []
  if (!grants)
    return {
      statements: [...connect, remember([])],
      notes: [
        `The role ${role} was there before, and can only read: it is given the ledger to read, and nothing else. Grant it more if it is the app's, or choose another --app-role.`,
      ],
    }
  const usage = spaces
    .filter(({ mine, given, usable }) => mine && !given && (before === '' || usable) && (!upgraded || usable))
    .map(({ quoted }) => `grant usage on schema ${quoted} to ${to}`)
  if (upgraded) return { statements: [...connect, ...usage, remember(spaces)], notes: [] }
  const closing = spaces
    .filter(({ mine, open }) => mine && open && before === '')
    .map(({ quoted }) => `revoke create on schema ${quoted} from public`)
  const defaults = spaces
    .filter(({ creatable }) => creatable)
    .flatMap(({ quoted }) => defaultPrivileges('grant', to, quoted))
  const given = before === '' ? present : []
  const history = given.length > 0 ? await adoptedHistory(client, schema) : undefined
  const onPresent = given
    .filter(({ mine }) => mine)
    .map(({ name, kind }) =>
      kind === 'sequence'
        ? `grant ${sequenceRights.join(', ')} on sequence ${name} to ${to}`
        : `grant ${name === history ? 'select' : tableRights.join(', ')} on table ${name} to ${to}`,
    )
  const others = [
    ...spaces.filter(({ mine, usable }) => !mine && !usable).map(({ quoted }) => `schema ${quoted}`),
    ...given.filter(({ mine }) => !mine).map(({ name, kind }) => `${kind} ${name}`),
  ]
  return {
    statements: [...connect, ...closing, ...usage, ...defaults, ...onPresent, remember(spaces)],
    notes: [
      ...(before !== ''
        ? [
            `The role ${role} was there before, with rights on tables: those stay as they are, and it is given rights on what is new.`,
          ]
        : []),
      ...(others.length > 0
        ? [`The role ${role} was not given what belongs to other roles: ${bounded(others)}. Their owners can grant it.`]
        : []),
    ],
  }
}

/** The table of the history that this ledger was taken over from, quoted: apps may ask it, and a forged row ends every run. */
async function adoptedHistory(client: pg.ClientBase, schema: string): Promise<string | undefined> {
  const table = `${quoteIdent(schema)}.adoption`
  const { rows } = await client.query<{ there: boolean }>('select pg_catalog.to_regclass($1) is not null as there', [
    table,
  ])
  if (!rows[0]!.there) return undefined
  const adoption = await client.query<{ name: string }>(
    `select pg_catalog.format('%I.%I', history_schema, history_table) as name from ${table}`,
  )
  return adoption.rows[0]?.name
}

/**
 * The default privileges that this connection's role lacks in the schemas which the memory has: another one has set the
 * app's role up, and default privileges hold for what the role makes that they were altered for. As that one's are, also
 * where some were taken away.
 */
export async function lackingDefaults(client: pg.ClientBase, schema: string, role: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ schema: string; kind: 'tables' | 'sequences'; privileges: string }>(
    `with me as (select oid from pg_catalog.pg_roles where rolname = current_user),
defaults as (
  select d.defaclrole, d.defaclnamespace, d.defaclobjtype, x.privilege_type
  from pg_catalog.pg_roles a, pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) as x
  where a.rolname = $1 and x.grantee = a.oid and d.defaclobjtype in ('r', 'S')
)
select pg_catalog.quote_ident(n.nspname) as schema, case d.defaclobjtype when 'r' then 'tables' else 'sequences' end as kind,
  pg_catalog.string_agg(distinct d.privilege_type, ', ') as privileges
from ${memoryTable(schema)} m join pg_catalog.pg_namespace n on ${known} join defaults d on d.defaclnamespace = n.oid
where m.role = $1 and m.grants and pg_catalog.has_schema_privilege(n.oid, 'CREATE')
  and not exists (select from me, defaults o where o.defaclnamespace = n.oid and o.defaclrole = me.oid)
group by n.nspname, d.defaclobjtype`,
    [role],
  )
  return rows.map(
    ({ schema: name, kind, privileges }) =>
      `alter default privileges in schema ${name} grant ${privileges} on ${kind} to ${quoteIdent(role)}`,
  )
}

const SHOWN = 10

/** Some of the names, and how many more there are. */
export function bounded(names: readonly string[]): string {
  return names.length > SHOWN
    ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`
    : names.join(', ')
}

const SITUATION = `
with app as (select oid, rolname from pg_catalog.pg_roles where rolname = $1),
here as (select oid, datname, datdba, datacl from pg_catalog.pg_database where datname = pg_catalog.current_database()),
ledgers as (${ledgerTables}),
relations as (
  select c.*, pg_catalog.format('%I.%I', s.nspname, c.relname) as name, s.nspname
  from pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and s.nspname::text !~ '^pg_' and s.nspname <> 'information_schema'
    and c.oid not in (select oid from ledgers)
    and ${notExtension('pg_class', 'c.oid')}
),
spaces as (
  select n.* from pg_catalog.pg_namespace n
  where n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema' and ${notExtension('pg_namespace', 'n.oid')}
    -- a ledger's schema is the project's as well where the project has something in it, or looks for its tables there
    and (n.oid not in (select relnamespace from ledgers) or n.nspname = any ($2::text[])
      or exists (select from relations r where r.relnamespace = n.oid)
      or n.nspname in (select pg_catalog.btrim(pg_catalog.unnest(pg_catalog.string_to_array(p.reset_val, ',')), ' "')
        from pg_catalog.pg_settings p where p.name = 'search_path'))
    and case when $2::text[] is not null then n.nspname = any ($2::text[])
      else $3::boolean or n.nspname in (select pg_catalog.btrim(pg_catalog.unnest(pg_catalog.string_to_array(p.reset_val, ',')), ' "')
        from pg_catalog.pg_settings p where p.name = 'search_path') end
),
-- what the role may do elsewhere is no measure for schemas that are added
measured as (select r.* from relations r where not $4::boolean or r.relnamespace in (select oid from spaces)),
defaults as (
  select x.* from app, pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) as x
  where x.grantee = app.oid and d.defaclobjtype = 'r'
    and (not $4::boolean or d.defaclnamespace in (select oid from spaces))
),
rights as (
  select case when exists (
      select from app, measured r, pg_catalog.aclexplode(r.relacl) as x
      where x.grantee <> '0' and x.grantee <> r.relowner and pg_catalog.pg_has_role(app.oid, x.grantee, 'USAGE')
        and x.privilege_type in ('INSERT', 'UPDATE', 'DELETE')
      union all
      select from app, measured r join pg_catalog.pg_attribute a on a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) as x
      where x.grantee <> '0' and pg_catalog.pg_has_role(app.oid, x.grantee, 'USAGE') and x.privilege_type in ('INSERT', 'UPDATE')
      union all
      select from defaults x where x.privilege_type in ('INSERT', 'UPDATE', 'DELETE')
    ) then 'write' when exists (
      select from app, measured r, pg_catalog.aclexplode(r.relacl) as x
      where x.grantee <> '0' and x.grantee <> r.relowner and pg_catalog.pg_has_role(app.oid, x.grantee, 'USAGE')
      union all
      select from app, measured r join pg_catalog.pg_attribute a on a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) as x
      where x.grantee <> '0' and pg_catalog.pg_has_role(app.oid, x.grantee, 'USAGE')
      union all
      select from defaults
      union all
      select from app, pg_catalog.pg_roles g where g.rolname = 'pg_read_all_data' and pg_catalog.pg_has_role(app.oid, g.oid, 'USAGE')
    ) then 'read' else '' end as before
)
select pg_catalog.jsonb_build_object(
  'before', (select before from rights),
  'database', here.datname,
  'connects', exists (select from app, pg_catalog.aclexplode(here.datacl) as x
    where x.grantee = app.oid and x.privilege_type = 'CONNECT'),
  'mayConnect', pg_catalog.has_database_privilege(app.oid, here.oid, 'CONNECT'),
  'grantsConnect', pg_catalog.pg_has_role(here.datdba, 'USAGE'),
  'spaces', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', n.nspname,
      'quoted', pg_catalog.quote_ident(n.nspname), 'oid', n.oid::bigint, 'mine', pg_catalog.pg_has_role(n.nspowner, 'USAGE'),
      'creatable', pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
      'usable', pg_catalog.has_schema_privilege(app.oid, n.oid, 'USAGE'),
      'given', exists (select from pg_catalog.aclexplode(n.nspacl) as x where x.grantee = app.oid and x.privilege_type = 'USAGE'),
      'open', exists (select from pg_catalog.aclexplode(n.nspacl) as x where x.grantee = '0' and x.privilege_type = 'CREATE'))
      order by n.nspname), '[]') from spaces n),
  'present', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', r.nspname, 'name', r.name,
      'kind', case r.relkind when 'S' then 'sequence' else 'table' end, 'mine', pg_catalog.pg_has_role(r.relowner, 'USAGE'))
      order by r.name), '[]') from relations r where r.relnamespace in (select oid from spaces))
) as situation
from app, here`
