// Single changes to a database: each is found and said by its name, nothing else is, and what is said to put it right does.

import { describe, expect } from 'vitest'
import { quoteIdent } from '../../../gate/postgres/quote.ts'
import { migratorRole } from '../../../migrator/verify/catalog/catalog.ts'
import { compare } from '../../../migrator/verify/compare.ts'
import { type WithRemedy, withRemedies } from '../../../migrator/verify/run-order.ts'
import { sentence } from '../../../migrator/verify/wording.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { catalogOf, compareSchemas, majorVersion } from '../../helpers/schemas.ts'
import { asChange, type Row } from './changes/change.ts'
import { constraints } from './changes/constraints.ts'
import { made } from './changes/made.ts'
import { programs } from './changes/programs.ts'
import { remedies } from './changes/remedies.ts'
import { replaced } from './changes/replaced.ts'
import { rights } from './changes/rights.ts'
import { tables } from './changes/tables.ts'
import { types } from './changes/types.ts'

/** The number is how many of the differences have no remedy, where that is looked at. */
describe.each<[string, readonly Row[], number?]>([
  ['tables, columns, partitions, inheritance', tables],
  ['constraints, indexes, statistics', constraints],
  ['views, functions, triggers, rules, policies, sequences', programs],
  ['types, operators, casts, text search, extensions, publications', types],
  ['owners, grants, default privileges', rights],
  ['what is made again or changed in its place', made, 22],
  ['what has another type, is built again or has another place', replaced, 0],
  ['what is put right in more than one statement, or in an order', remedies],
])('of %s', (_what, rows, withoutRemedy) => {
  test(`${rows.length} changes by hand are each found and named`, async ({ createDatabase }) => {
    const [found, expected] = [await createDatabase(), await createDatabase()]
    // one that has to be quoted
    const role = found.role('Other')
    await found.query(`create role ${quoteIdent(role)}`)
    const version = await majorVersion(found)
    const known = rows.map(asChange).filter(({ since = 0 }) => since <= version)
    const named = (text: string) => text.replaceAll('ROLE', quoteIdent(role))
    const setup = known.map(change => named(change.setup))
    const changes = known.map(({ change }) => named(change))
    const { differences } = await compareSchemas(found, [...setup, ...changes], expected, setup)
    const asChanged = await catalogOf(found)
    const said = differences.map(difference => sentence(difference))
    const says = known.flatMap(change => [change.says].flat().map(text => text.replaceAll('ROLE', role)))
    if (version >= 17) for (const [i, text] of says.entries()) says[i] = withMaintain(text)
    expect(said.toSorted()).toEqual(says.toSorted())

    // what is said to put it right does, and of what no remedy is known all is left
    const told = withRemedies(differences)
    await runRemedies(found, told)
    const left = await compareSchemas(found, [], expected, [])
    const unmended = told.filter(({ remedy }) => !remedy)
    if (withoutRemedy !== undefined) expect(unmended).toHaveLength(withoutRemedy)
    expect(left.differences.map(difference => sentence(difference)).toSorted()).toEqual(
      unmended.map(({ difference }) => sentence(difference)).toSorted(),
    )

    // nor does anything else come of what is said the other way round
    const back = withRemedies(compare(await catalogOf(expected), asChanged).differences)
    await runRemedies(expected, back)
    const rest = compare(await catalogOf(expected), asChanged).differences.map(difference => sentence(difference))
    const open = new Set(back.filter(({ remedy }) => !remedy).map(({ difference }) => sentence(difference)))
    expect(rest.filter(text => !open.has(text))).toEqual([])
    for (const database of [found, expected]) await database.query(`drop owned by ${quoteIdent(role)}`)
  })
})

test.for([
  ['varchar(3)', 'abc  ', 'value too long'],
  ['int', '007', 'invalid input syntax'],
] as const)('a text that is no %s as it is written: %j is refused', async ([type, value, why], { createDatabase }) => {
  const [found, expected] = [await createDatabase(), await createDatabase()]
  const { differences } = await compareSchemas(found, ['create table t (a text)'], expected, [
    `create table t (a ${type})`,
  ])
  await found.query('insert into t values ($1)', [value])
  await expect(runRemedies(found, withRemedies(differences))).rejects.toThrow(why)
})

async function runRemedies(database: ScratchDatabase, told: readonly WithRemedy[]) {
  for (const sql of told.flatMap(({ remedy }) => remedy ?? []))
    await database.query(sql.replaceAll(migratorRole, 'current_user')).catch(error => {
      throw new Error(`${error.message}\n${sql}`)
    })
}

/** From 17 on an owner may MAINTAIN as well. */
function withMaintain(text: string): string {
  return text.includes('grants to the owner')
    ? text.replaceAll('references, select, trigger', 'maintain, references, select, trigger')
    : text
}
