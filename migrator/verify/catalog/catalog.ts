// A catalogue: every object of a database that counts, by kind and name. It is JSON as it is, and compares by value.

import { quoteIdent } from '../../../gate/postgres/quote.ts'

/** A property that does not apply is absent. Lists have an order that means something. */
export type Value = string | readonly string[]

export interface CatalogObject {
  /** `table`, `column`, `index`, ... */
  readonly kind: string
  /** Qualified, and quoted where SQL needs it: `public.users.phone`. */
  readonly name: string
  /** Kind and name of what it is a part of. */
  readonly parent?: string
  readonly properties: Readonly<Record<string, Value>>
}

export interface Catalog {
  /** The server's, such as `170004`: other major versions write the same expression otherwise. */
  readonly serverVersion: number
  /** Sorted by key. */
  readonly objects: readonly CatalogObject[]
}

/** Whether it is the schema of that name. */
export const isSchema = ({ kind, name }: CatalogObject, schema: string) => kind === 'schema' && name === written(schema)

/** A name as the catalogue has it: quoted where it must be. */
export const written = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdent(name))

/** What an object is known by. */
export const keyOf = ({ kind, name }: Pick<CatalogObject, 'kind' | 'name'>) => `${kind} ${name}`

/** Stands for the role that migrates: whatever its name is on this server, what it owns is its own. */
export const migratorRole = "(the migrator's role)"

/** It came from the table's parent, and comes and goes with that one's. */
export const isInherited = (object: CatalogObject | undefined) => object?.properties['inherited from'] !== undefined

/** A list, where the property has one. */
export const listOf = (value: Value | undefined): readonly string[] => (Array.isArray(value) ? value : [])
