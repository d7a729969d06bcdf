// Files that real tools have applied: what is read from them is what the tools wrote into their history.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readFollowed } from '../../../migrator/follow/files/index.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/follow')
const rows = (tool: string): unknown => JSON.parse(readFileSync(join(fixtures, `${tool}-rows.json`), 'utf8'))

test('Alembic: the heads of its revisions', async () => {
  const migrations = await readFollowed('alembic', join(fixtures, 'alembic'))
  expect(migrations).toHaveLength(20)
  const below = new Set(migrations.flatMap(({ after = [] }) => after))
  const heads = migrations.map(({ key }) => key).filter(key => !below.has(key))
  expect(heads.toSorted()).toEqual(rows('alembic'))
})

test("Django: its project's migrations", async () => {
  const migrations = await readFollowed('django', join(fixtures, 'django'))
  expect(migrations.map(({ key }) => key)).toEqual(rows('django'))
})
