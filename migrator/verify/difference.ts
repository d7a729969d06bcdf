// What `verify` finds: one object, or one property of one, that is not as it was expected.

import type { CatalogObject, Value } from './catalog/catalog.ts'

/**
 * - `missing`: expected, and not there.
 * - `unexpected`: there, and not expected.
 * - `renamed`: expected under another name.
 * - `changed`: a property is another one.
 */
export type Change = 'missing' | 'unexpected' | 'renamed' | 'changed'

export interface Difference {
  readonly change: Change
  readonly kind: string
  readonly name: string
  /** Kind and name of what it is a part of. */
  readonly parent?: string
  /** Of what was changed. */
  readonly property?: string
  /** As the live database has it; absent where it has none. Of a renamed object, its name. */
  readonly found?: Value
  readonly expected?: Value
  /** As it is; of a missing object, as it should be. */
  readonly object?: CatalogObject
  /** As it should be, of one that was renamed or changed. */
  readonly was?: CatalogObject
  /**
   * Of a missing or unexpected object: what goes with it. Of the definition of a view: the columns that come with it. Of a
   * table's rights: the columns with those of the same role.
   */
  readonly parts?: readonly CatalogObject[]
  /**
   * Of a missing or unexpected object: what partitions and child tables have, or should have, of it. Of a changed property:
   * those of them that should have another one than it; of a trigger's definition, another state.
   */
  readonly heirs?: readonly CatalogObject[]
  /** Of a missing object: the grants that it has as soon as it is made. */
  readonly given?: CatalogObject['properties']
  /** Of a column's type, a key's or an index's definition, a function's body: what of the live schema rests on it. */
  readonly users?: readonly CatalogObject[]
}
