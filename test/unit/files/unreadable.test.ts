// Files and folders that this user may not read: each is named, with the way out, and none is passed over.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { root } from '../../../scripts/lib/root.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

// root may read everything
const isRoot = process.getuid?.() === 0
const user = isRoot ? { uid: 65_534, gid: 65_534 } : {}

function schemagate(...args: readonly string[]) {
  const command = [join(root, 'migrator/cli/main.ts'), ...args]
  return spawnSync(process.execPath, command, { ...user, encoding: 'utf8', timeout: 60_000 })
}

const django = 'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = []\n'

test.for([
  ['a migration', '', { '1_a.sql': '' }, '1_a.sql'],
  ['a folder inside', '', { '1_a.sql': '', '2_b/migration.sql': '' }, '2_b'],
  ['a folder further down', '', { '1_a.sql': '', 'x/y/z/2_b.sql': '' }, 'x/y/z'],
  ["Drizzle's journal", '', { '0_a.sql': '', 'meta/_journal.json': '{}' }, 'meta/_journal.json'],
  ['a setting of a migration', '', { 'V1__a.sql': '', 'V1__a.sql.conf': '' }, 'V1__a.sql.conf'],
  ['a migration of Alembic', 'alembic', { 'env.py': '', 'versions/a.py': '' }, 'versions/a.py'],
  ["Alembic's settings", 'alembic', { 'alembic.ini': '', 'versions/a.py': '' }, 'alembic.ini'],
  [
    'a migration of Django',
    'django',
    { 'a/migrations/__init__.py': '', 'a/migrations/1.py': django },
    'a/migrations/1.py',
  ],
  ["Django's settings", 'django', { 'a/migrations/__init__.py': '', 'settings.py': '' }, 'settings.py'],
  ["an app's folder", 'django', { 'a/migrations/__init__.py': '', 'a/migrations/1.py': django, 'b/x.py': '' }, 'b'],
  ['a migration of TypeORM', 'typeorm', { 'a.ts': '' }, 'a.ts'],
  ['a migration of EF Core', 'ef-core', { 'a.cs': '' }, 'a.cs'],
  ["Rails' structure", 'rails', { 'db/structure.sql': '' }, 'db/structure.sql'],
  [
    "Laravel's dump",
    'laravel',
    { 'database/migrations/1_a.php': '', 'database/schema/pgsql-schema.sql': '' },
    'database/schema/pgsql-schema.sql',
  ],
  [
    "the folder of Laravel's dump",
    'laravel',
    { 'database/migrations/1_a.php': '', 'database/schema/pgsql-schema.sql': '' },
    'database/schema',
  ],
] as const)('%s', ([, tool, files, unreadable]) => {
  const dir = writtenFolder(files as Record<string, string>)
  chmodSync(dir, 0o755)
  chmodSync(join(dir, unreadable), 0o000)
  const { status, stderr } = schemagate('manifest', '--dir', dir, ...(tool === '' ? [] : ['--follow', tool]))
  chmodSync(join(dir, unreadable), 0o755)
  expect(stderr).toContain(join(dir, unreadable))
  expect(stderr).toMatch(/cannot be read.*user \d+/)
  expect(stderr).not.toContain('bug in schemagate')
  expect(status).toBe(2)
})

test.for([
  ['a file', '1_\xff.sql', (path: Buffer) => writeFileSync(path, 'select 1;')],
  ['a folder', '1_\xff', mkdirSync],
] as const)('%s whose name is not UTF-8 is told as that', ([, name, make]) => {
  const dir = writtenFolder({ '2_b.sql': 'select 1;' })
  chmodSync(dir, 0o755)
  make(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, 'latin1')]))
  const { status, stderr } = schemagate('manifest', '--dir', dir)
  expect(stderr).toContain('cannot be read (ENOENT). Its name is not valid UTF-8: rename it.')
  expect(status).toBe(2)
})

test.for([
  [0o555, /2_b\.sql cannot be written \(EACCES\)\. Make its folder writable for user/],
  [0o000, /cannot be read by user \d+ \(EACCES\): make it readable/],
] as const)('a folder in which a new file cannot be made: %o', ([mode, message]) => {
  const dir = writtenFolder({ '1_a.sql': '' })
  chmodSync(dir, mode)
  const { status, stderr } = schemagate('create', 'b', '--dir', dir)
  chmodSync(dir, 0o755)
  expect(stderr).toMatch(message)
  expect(status).toBe(2)
})

test.for([
  ['django', { 'a/migrations/__init__.py': '', 'a/migrations/0001.py': django }, 'a/migrations/0002.py'],
  ['alembic', { 'env.py': '', 'versions/a.py': 'revision = "a"\ndown_revision = None\n' }, 'versions/b.py'],
  ['typeorm', { 'a.ts': 'class A1700000000000 implements MigrationInterface {}' }, 'b.ts'],
] as const)('a link to nowhere is refused: %s', async ([tool, files, link]) => {
  const dir = writtenFolder(files)
  symlinkSync('nowhere', join(dir, link))
  await expect(readFollowed(tool, dir)).rejects.toThrow(`${join(dir, link)} cannot be read (ENOENT)`)
})

test.for([
  ['django', 'a/migrations/0001.py', { 'a/migrations/__init__.py': '' }],
  ['alembic', 'versions/a.py', { 'env.py': '' }],
  ['typeorm', 'a.ts', {}],
  ['ef-core', 'a.cs', {}],
] as const)('a file in UTF-16 is named as that: %s', async ([tool, file, files]) => {
  for (const text of [Buffer.from('\uFEFFx = 1\n', 'utf16le'), Buffer.from('\uFEFFx = 1\n', 'utf16le').swap16()]) {
    const dir = writtenFolder({ ...files, [file]: text })
    await expect(readFollowed(tool, dir)).rejects.toThrow(`${join(dir, file)} is UTF-16. Save it as UTF-8.`)
  }
})
