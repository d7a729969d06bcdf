// The one query for all kinds: what each says of its objects, and what all have alike: owner, grants, comment, labels.

import { type Kind, roleName } from './kind.ts'
import { kinds } from './kinds.ts'
import { notTheirs } from './not-theirs.ts'

/** The catalogue's query for a server of this version: rows of kind, name, parent and properties. */
export function catalogQuery(version: number): string {
  const parts = kinds.flatMap(list => list(version)).map(partOf)
  return `with not_theirs (class, oid) as materialized (${notTheirs})\n${parts.join('\nunion all\n')}`
}

function partOf(kind: Kind): string {
  const { catalog, oid, sub = '0', within, owner, grants, properties = {}, more = [], isNotTheProjects } = kind
  const classOid = `'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid`
  const own = Object.entries(properties).map(([name, value]) => `'${name}', ${value}`)
  const all = [
    `jsonb_build_object(${[
      ...own,
      ...(owner ? [`'owner', ${roleName(owner)}`] : []),
      ...(isNotTheProjects ? [] : [`'comment', ${comment(classOid, oid, sub)}`]),
    ].join(',\n')})`,
    `(select jsonb_object_agg('security label of ' || label.provider, label.label) from pg_seclabel label where label.classoid = ${classOid} and label.objoid = ${oid} and label.objsubid = ${sub})`,
    ...more,
    ...(grants ? [grantsTo(grants), grantsOfOthers(grants)] : []),
  ]
  const [first, ...rest] = all
  const merged = [first, ...rest.map(part => `coalesce(${part}, '{}')`)].join('\n|| ')
  const sets = [
    ...(isNotTheProjects ? [] : [[classOid, oid] as const]),
    ...(within ? [[`'pg_catalog.${within.catalog}'::pg_catalog.regclass::pg_catalog.oid`, within.oid] as const] : []),
  ]
  const conditions = [
    ...(kind.where ? [kind.where] : []),
    ...sets.map(([c, o]) => `not exists (select from not_theirs other where other.class = ${c} and other.oid = ${o})`),
  ]
  return `select ${kind.kind} as kind, ${kind.name} as name, ${kind.parent ?? 'null::text'} as parent,
jsonb_strip_nulls(${merged})::text as properties
from ${kind.from}
where ${conditions.join(' and ')}`
}

const comment = (classOid: string, oid: string, sub: string) =>
  `(select replace(note.description, e'\\r\\n', e'\\n') from pg_description note where note.classoid = ${classOid} and note.objoid = ${oid} and note.objsubid = ${sub})`

/** One property for each that something is granted to, whatever role granted it and in which order. */
function grantsTo({ list, type, owner }: NonNullable<Kind['grants']>): string {
  const grantee = `case given.grantee when ${owner} then 'the owner' else ${roleName('given.grantee')} end`
  const privilege = `lower(given.privilege_type) || case when given.is_grantable then ' with grant option' else '' end`
  return `(select jsonb_object_agg('grants to ' || role.grantee, role.privileges) from (
  select one.grantee, string_agg(one.privilege, ', ' order by one.privilege) as privileges from (
    select distinct ${grantee} as grantee, ${privilege} as privilege
    from aclexplode(coalesce(${list}, acldefault(${type}, ${owner}))) given) one group by one.grantee) role)`
}

/** The roles that have rights from another role than the owner, and those roles: the owner's REVOKE takes none of these. */
function grantsOfOthers({ list, owner }: NonNullable<Kind['grants']>): string {
  return `(select jsonb_build_object('granted by others', jsonb_agg(distinct ${roleName('role.oid')})) from aclexplode(${list}) given
  cross join lateral (values (given.grantee), (given.grantor)) role (oid) where given.grantor <> ${owner})`
}
