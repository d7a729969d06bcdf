// What would put a difference right, where that loses no data and can be said.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type CatalogObject, migratorRole } from './catalog/catalog.ts'
import type { Difference } from './difference.ts'
import { columnRemedy } from './remedies/columns.ts'
import { grantRemedy } from './remedies/grants.ts'
import { made } from './remedies/made.ts'
import { partName, tableOf } from './remedies/names.ts'
import { propertyRemedy } from './remedies/properties.ts'

/**
 * Statements, in order; undefined where a person has to decide: what exists and no migration makes may be in use, and another
 * type rewrites a table.
 */
export function remedy(difference: Difference): string[] | undefined {
  const statements = statementsFor(difference)
  return statements?.length ? statements.map(sql => `${sql};`) : undefined
}

function statementsFor(difference: Difference): string[] | undefined {
  const { change, object } = difference
  switch (change) {
    case 'unexpected':
      return undefined
    case 'missing':
      return object && made(object)
    case 'renamed':
      return object && difference.was && renamed(object, difference.was)
    case 'changed':
      return commentRemedy(difference) ?? ownerRemedy(difference) ?? grantRemedy(difference) ?? specific(difference)
  }
}

function specific(difference: Difference): string[] | undefined {
  return difference.kind === 'column' ? columnRemedy(difference) : propertyRemedy(difference)
}

function renamed(object: CatalogObject, was: CatalogObject): string[] | undefined {
  const [from, to] = [partName(object), partName(was)]
  switch (object.kind) {
    case 'index':
    case 'sequence':
    case 'statistics':
      return [`alter ${object.kind} ${object.name} rename to ${to}`]
    case 'constraint':
      return [
        `alter ${object.parent?.startsWith('domain ') ? 'domain' : 'table'} ${tableOf(object)} rename constraint ${from} to ${to}`,
      ]
    case 'policy':
      return [`alter policy ${from} on ${tableOf(object)} rename to ${to}`]
    default:
      return undefined
  }
}

/** Kinds that a table has, and that are named `... on TABLE`. */
const onTable: ReadonlySet<string> = new Set(['constraint', 'trigger', 'rule', 'policy'])
/** Kinds whose name here is not the one that SQL takes. */
const namedOtherwise: ReadonlySet<string> = new Set(['default privileges', 'user mapping', 'attribute'])

function commentRemedy({ kind, name, property, expected, parent }: Difference): string[] | undefined {
  if (property !== 'comment' || namedOtherwise.has(kind) || (kind === 'index' && name.includes(' (part of ')))
    return undefined
  const text = expected === undefined ? 'null' : quoteLiteral(String(expected))
  if (!onTable.has(kind)) return [`comment on ${kind} ${name} is ${text}`]
  const part = { kind, name, ...(parent !== undefined && { parent }), properties: {} }
  const on = parent?.startsWith('domain ') ? `domain ${tableOf(part)}` : tableOf(part)
  return [`comment on ${kind} ${partName(part)} on ${on} is ${text}`]
}

function ownerRemedy({ kind, name, property, expected }: Difference): string[] | undefined {
  if (property !== 'owner' || typeof expected !== 'string') return undefined
  return [
    `alter ${kind} ${name} owner to ${expected === migratorRole ? migratorRole : `"${expected.replaceAll('"', '""')}"`}`,
  ]
}
