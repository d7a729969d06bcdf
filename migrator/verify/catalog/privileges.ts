// Rights that are no object's of the project: default privileges, and what was granted on objects of Postgres or of extensions.

import { type Kind, type Kinds, literal, roleName, words } from './kind.ts'

/** In a schema the list holds what is added; for all schemas, the whole. */
const defaults: Kind = {
  kind: literal('default privileges'),
  catalog: 'pg_default_acl',
  oid: 'd.oid',
  from: 'pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace',
  name: `format('of %s%s on %s', ${roleName('d.defaclrole')}, ' in schema ' || quote_ident(n.nspname), ${words('d.defaclobjtype', { r: 'tables', S: 'sequences', f: 'functions', T: 'types', n: 'schemas', L: 'large objects' })})`,
  grants: { list: 'd.defaclacl', type: "'r'", owner: 'd.defaclrole' },
}

/** What has other rights than initdb or its extension gave it: only then it is told of at all. */
function changed(whose: 'built-in' | 'extension', kind: string, prefix: string, type: string): Kind {
  const catalog = `pg_${prefix === 'pro' ? 'proc' : prefix === 'typ' ? 'type' : 'class'}`
  const list = `x.${prefix}acl`
  const before = `coalesce(i.initprivs, acldefault(${type}, x.${prefix}owner))`
  const theirs =
    whose === 'built-in'
      ? `x.${prefix}namespace = 'pg_catalog'::regnamespace`
      : `exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = x.oid and e.deptype = 'e')`
  return {
    kind: literal(`${whose} ${kind}`),
    catalog,
    oid: 'x.oid',
    from: `${catalog} x left join pg_init_privs i on i.classoid = '${catalog}'::regclass and i.objoid = x.oid and i.objsubid = 0`,
    where: `${theirs} and not (${list} @> ${before} and ${list} <@ ${before})`,
    name: `x.oid::reg${kind === 'function' ? 'procedure' : kind === 'type' ? 'type' : 'class'}::text`,
    grants: { list, type, owner: `x.${prefix}owner` },
    isNotTheProjects: true,
  }
}

const relationType = `case x.relkind when 'S' then 's' else 'r' end::"char"`

export const privileges: Kinds = () => [
  defaults,
  ...(['built-in', 'extension'] as const).flatMap(whose => [
    changed(whose, 'function', 'pro', "'f'"),
    changed(whose, 'relation', 'rel', relationType),
    changed(whose, 'type', 'typ', "'T'"),
  ]),
]
