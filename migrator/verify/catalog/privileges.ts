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

/** Objects of which Postgres or an extension brings some, as the catalogue's rows `x`. */
interface Brought {
  readonly kind: string
  readonly catalog: string
  /** A condition: it is in a schema of Postgres' own, or is such a schema. */
  readonly isBuiltIn: string
  readonly list: string
  /** acldefault's letter. */
  readonly type: string
  readonly owner: string
  readonly name: string
  /** Of a column: its number, and what else it is read from. */
  readonly sub?: string
  readonly join?: string
}

const inCatalog = (namespace: string) => `${namespace} = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid`

const brought: readonly Brought[] = [
  {
    kind: 'function',
    catalog: 'pg_proc',
    isBuiltIn: inCatalog('x.pronamespace'),
    list: 'x.proacl',
    type: "'f'",
    owner: 'x.proowner',
    name: 'x.oid::regprocedure::text',
  },
  {
    kind: 'relation',
    catalog: 'pg_class',
    isBuiltIn: inCatalog('x.relnamespace'),
    list: 'x.relacl',
    type: `case x.relkind when 'S' then 's' else 'r' end::"char"`,
    owner: 'x.relowner',
    name: 'x.oid::regclass::text',
  },
  {
    kind: 'column',
    catalog: 'pg_class',
    isBuiltIn: inCatalog('x.relnamespace'),
    list: 'a.attacl',
    type: "'c'",
    owner: 'x.relowner',
    name: "format('%s.%I', x.oid::regclass, a.attname)",
    sub: 'a.attnum',
    join: 'join pg_attribute a on a.attrelid = x.oid and a.attacl is not null',
  },
  {
    kind: 'type',
    catalog: 'pg_type',
    isBuiltIn: inCatalog('x.typnamespace'),
    list: 'x.typacl',
    type: "'T'",
    owner: 'x.typowner',
    name: 'x.oid::regtype::text',
  },
  {
    kind: 'schema',
    catalog: 'pg_namespace',
    isBuiltIn: "x.nspname = 'pg_catalog'",
    list: 'x.nspacl',
    type: "'n'",
    owner: 'x.nspowner',
    name: "format('%I', x.nspname)",
  },
  {
    kind: 'language',
    catalog: 'pg_language',
    isBuiltIn: "x.lanname in ('internal', 'c', 'sql')",
    list: 'x.lanacl',
    type: "'l'",
    owner: 'x.lanowner',
    name: "format('%I', x.lanname)",
  },
  {
    kind: 'foreign data wrapper',
    catalog: 'pg_foreign_data_wrapper',
    isBuiltIn: 'false',
    list: 'x.fdwacl',
    type: "'F'",
    owner: 'x.fdwowner',
    name: "format('%I', x.fdwname)",
  },
  {
    kind: 'server',
    catalog: 'pg_foreign_server',
    isBuiltIn: 'false',
    list: 'x.srvacl',
    type: "'S'",
    owner: 'x.srvowner',
    name: "format('%I', x.srvname)",
  },
]

/** Objects whose rights are not those that initdb or their extension gave them; others are left out. */
function changed(whose: 'built-in' | 'extension', of: Brought): Kind {
  const { kind, catalog, isBuiltIn, list, type, owner, name, sub = '0', join = '' } = of
  const before = `coalesce(i.initprivs, acldefault(${type}, ${owner}))`
  const ofExtension = `exists (select from pg_depend e where e.classid = '${catalog}'::pg_catalog.regclass::pg_catalog.oid and e.objid = x.oid and e.deptype = 'e')`
  return {
    kind: literal(`${whose} ${kind}`),
    catalog,
    oid: 'x.oid',
    sub,
    from: `${catalog} x ${join} left join pg_init_privs i on i.classoid = '${catalog}'::pg_catalog.regclass::pg_catalog.oid and i.objoid = x.oid and i.objsubid = ${sub}`,
    where: `${whose === 'extension' ? ofExtension : isBuiltIn} and not (${list} @> ${before} and ${list} <@ ${before})`,
    name,
    ...(sub === '0' ? {} : { parent: `'${whose} relation ' || x.oid::regclass` }),
    grants: { list, type, owner },
    isNotTheProjects: true,
  }
}

export const privileges: Kinds = () => [
  defaults,
  ...(['built-in', 'extension'] as const).flatMap(whose => brought.map(of => changed(whose, of))),
]
