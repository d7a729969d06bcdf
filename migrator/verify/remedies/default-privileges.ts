// Statements for default privileges: what is granted on objects that a role makes later.

import type { CatalogObject } from '../catalog/catalog.ts'
import type { Difference } from '../difference.ts'
import { grantStatements } from './grants.ts'
import { roleInSql } from './names.ts'

/** Of one grantee, or of all where the database has none, or should have none. They touch no object that is there. */
export function defaultPrivilegesRemedy({ change, name, property, found, expected, object }: Difference): string[] {
  const { role, schema, on } = read(name)
  const before = `alter default privileges for role ${roleInSql(role)} ${schema === undefined ? '' : `in schema ${schema} `}`
  const statements = (grants: string, has: unknown, wants: unknown) => {
    const grantee = grants.replace(/^grants to /, '')
    return grantStatements({ before, on, grantee: grantee === 'the owner' ? role : grantee }, has, wants)
  }
  if (property !== undefined) return statements(property, found, expected)
  const listed = object?.properties ?? {}
  // those of a schema are added to these
  const ordinary = schema === undefined ? ofNew(on, listed) : {}
  const [has, wants] = change === 'missing' ? [ordinary, listed] : [listed, ordinary]
  return [...new Set([...Object.keys(has), ...Object.keys(wants)])].flatMap(grants =>
    statements(grants, has[grants], wants[grants]),
  )
}

/** `of ROLE in schema SCHEMA on tables`; the role stands there as it is, the schema as SQL takes it. */
function read(name: string) {
  const [, role = '', schema, on = ''] =
    /^of (.*?)(?: in schema ("(?:[^"]|"")+"|[^ "]+))? on (\w+(?: objects)?)$/s.exec(name) ?? []
  return { role, schema, on }
}

const ownersRights: Readonly<Record<string, string>> = {
  tables: 'delete, insert, references, select, trigger, truncate, update',
  sequences: 'select, update, usage',
  functions: 'execute',
  types: 'usage',
  schemas: 'create, usage',
  'large objects': 'select, update',
}

/** What Postgres gives on a new object; MAINTAIN, of 17 on, is the owner's where it is listed. */
function ofNew(on: string, listed: CatalogObject['properties']): CatalogObject['properties'] {
  const hasMaintain = String(listed['grants to the owner']).includes('maintain')
  return {
    'grants to the owner': `${ownersRights[on]}${hasMaintain ? ', maintain' : ''}`,
    ...(on === 'functions' && { 'grants to PUBLIC': 'execute' }),
    ...(on === 'types' && { 'grants to PUBLIC': 'usage' }),
  }
}
