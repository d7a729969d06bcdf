// Rights that are no object's of the project: default privileges, and what was granted on Postgres' own objects.

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

/** What has not its rights as initdb gave them. */
function changed(catalog: string, prefix: string, initial: string): Pick<Kind, 'from' | 'where'> {
  const list = `${prefix}acl`
  const namespace = `${prefix}namespace`
  const before = `coalesce(i.initprivs, ${initial})`
  return {
    from: `${catalog} x left join pg_init_privs i on i.classoid = '${catalog}'::regclass and i.objoid = x.oid and i.objsubid = 0`,
    where: `x.${namespace} = 'pg_catalog'::regnamespace and not (x.${list} @> ${before} and x.${list} <@ ${before})`,
  }
}

const relationType = `case x.relkind when 'S' then 's' else 'r' end::"char"`

export const privileges: Kinds = () => [
  defaults,
  {
    kind: literal('built-in function'),
    catalog: 'pg_proc',
    oid: 'x.oid',
    ...changed('pg_proc', 'pro', "acldefault('f', x.proowner)"),
    name: 'x.oid::regprocedure::text',
    grants: { list: 'x.proacl', type: "'f'", owner: 'x.proowner' },
  },
  {
    kind: literal('built-in relation'),
    catalog: 'pg_class',
    oid: 'x.oid',
    ...changed('pg_class', 'rel', `acldefault(${relationType}, x.relowner)`),
    name: 'x.oid::regclass::text',
    grants: { list: 'x.relacl', type: relationType, owner: 'x.relowner' },
  },
]
