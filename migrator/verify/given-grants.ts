// What a new object's grants are before anyone grants anything: Postgres' own, and the database's default privileges.

import { type CatalogObject, migratorRole, type Value } from './catalog/catalog.ts'

type Grants = CatalogObject['properties']

/** What default privileges call the kinds that a remedy makes. */
const words: Readonly<Record<string, string>> = {
  view: 'tables',
  'materialized view': 'tables',
  type: 'types',
  domain: 'types',
  schema: 'schemas',
  function: 'functions',
  procedure: 'functions',
}

const ofNew = (word: string): Grants =>
  word === 'types' ? { 'grants to PUBLIC': 'usage' } : word === 'functions' ? { 'grants to PUBLIC': 'execute' } : {}

/** Of one that the migrator's role makes in a database of these objects, by their keys. */
export function givenGrants({ kind, name }: CatalogObject, objects: ReadonlyMap<string, CatalogObject>): Grants {
  const word = words[kind]
  if (!word) return {}
  const schema = /^(?:"(?:[^"]|"")*"|[^."]+)/.exec(name)?.[0]
  const defaults = (where: string) =>
    objects.get(`default privileges of ${migratorRole}${where} on ${word}`)?.properties
  const grants: Record<string, Value> = { ...(defaults('') ?? ofNew(word)) }
  // those of a schema are added
  for (const [grantee, rights] of Object.entries(defaults(` in schema ${schema}`) ?? {}))
    grants[grantee] = [grants[grantee], rights].filter(Boolean).join(', ')
  return grants
}
