// Single changes to a database, each found and said by its name, and nothing else.

import { describe, expect } from 'vitest'
import { sentence } from '../../../migrator/verify/wording.ts'
import { test } from '../../helpers/database.ts'
import { compareSchemas, majorVersion } from '../../helpers/schemas.ts'
import { asChange, type Row } from './changes/change.ts'
import { constraints } from './changes/constraints.ts'
import { programs } from './changes/programs.ts'
import { rights } from './changes/rights.ts'
import { tables } from './changes/tables.ts'
import { types } from './changes/types.ts'

describe.each<[string, readonly Row[]]>([
  ['tables, columns, partitions, inheritance', tables],
  ['constraints, indexes, statistics', constraints],
  ['views, functions, triggers, rules, policies, sequences', programs],
  ['types, operators, casts, text search, extensions, publications', types],
  ['owners, grants, default privileges', rights],
])('of %s', (_what, rows) => {
  test(`${rows.length} changes by hand are each found and named`, async ({ createDatabase }) => {
    const [found, expected] = [await createDatabase(), await createDatabase()]
    const role = found.role('other')
    await found.query(`create role ${role}`)
    const version = await majorVersion(found)
    const known = rows.map(asChange).filter(({ since = 0 }) => since <= version)
    const named = (text: string) => text.replaceAll('ROLE', role)
    const setup = known.map(change => named(change.setup))
    const changes = known.map(({ change }) => named(change))
    const { differences } = await compareSchemas(found, [...setup, ...changes], expected, setup)
    await expected.query(`drop owned by ${role}`)
    const said = differences.map(difference => sentence(difference))
    const says = known.flatMap(change => [change.says].flat().map(text => named(text)))
    if (version >= 17) for (const [i, text] of says.entries()) says[i] = withMaintain(text)
    expect(said.toSorted()).toEqual(says.toSorted())
  })
})

/** From 17 on an owner may MAINTAIN as well. */
function withMaintain(text: string): string {
  return text.includes('grants to the owner')
    ? text.replaceAll('references, select, trigger', 'maintain, references, select, trigger')
    : text
}
