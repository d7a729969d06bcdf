// The rights that an app's role is given on what is new.

/**
 * On tables, views, materialized views and foreign tables; none to change or empty them. Functions and types are
 * PUBLIC's, or the project's to grant.
 */
export const tableRights = ['select', 'insert', 'update', 'delete'] as const

export const sequenceRights = ['usage', 'select', 'update'] as const

/** Statements that begin with `alter default privileges` and end with the role, for tables and for sequences. */
export function defaultPrivileges(verb: 'grant' | 'revoke', role: string, schema?: string): string[] {
  const where = schema === undefined ? '' : ` in schema ${schema}`
  const to = `${verb === 'grant' ? 'to' : 'from'} ${role}`
  return [
    `alter default privileges${where} ${verb} ${tableRights.join(', ')} on tables ${to}`,
    `alter default privileges${where} ${verb} ${sequenceRights.join(', ')} on sequences ${to}`,
  ]
}

/** A condition: an object, by its catalog and an expression for its oid, does not belong to an extension. */
export function notExtension(catalog: 'pg_class' | 'pg_namespace', oid: string): string {
  return `not exists (select from pg_catalog.pg_depend e where e.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid and e.objid = ${oid} and e.deptype = 'e')`
}
