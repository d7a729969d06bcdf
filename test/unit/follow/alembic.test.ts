// Alembic's revisions as a manifest has them.

import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

const one = (revision: string, down: string, more = '') =>
  `"""A revision"""\nfrom alembic import op\n\nrevision = ${revision}\ndown_revision = ${down}\n${more}\n\ndef upgrade():\n    pass\n`

async function chain(files: Record<string, string>, folder = ''): Promise<Record<string, readonly string[]>> {
  const migrations = await readFollowed('alembic', `${writtenFolder(files)}${folder}`)
  return Object.fromEntries(migrations.map(({ key, after = [] }) => [key, after]))
}

describe('revisions', () => {
  test('are read with branches, merges, dependencies and every form in which Alembic writes them', async () => {
    const files = {
      'a1_first.py': one("'a1'", 'None', "branch_labels = ('core',)\ndepends_on = None"),
      'b1_left.py': one('"b1"', '"a1"'),
      'b2_right.py': "revision: str = 'b2'\ndown_revision: Union[str, Sequence[str], None] = 'a1'\n",
      'c1_merge.py': one("'c1'", "(\n    'b1',  # left\n    'b2',\n)"),
      'd1_other.py': one("'d1'", 'None', "branch_labels = 'other'\ndepends_on = 'c1'"),
      'd2_other.py': one("'d' '2'", "['d1']", "depends_on = ('core',)"),
      README: 'no revision',
      '__init__.py': '',
      '.#lock.py': 'x',
    }
    expect(await chain(files)).toEqual({
      a1: [],
      b1: ['a1'],
      b2: ['a1'],
      c1: ['b1', 'b2'],
      d1: ['c1'],
      d2: ['d1', 'a1'],
    })
  })

  test('come behind all on which they are built', async () => {
    const files = { 'a.py': one("'3'", "'2'"), 'b.py': one("'2'", "'1'"), 'c.py': one("'1'", 'None') }
    expect(Object.keys(await chain(files)).join()).toBe(['1', '2', '3'].join())
  })

  test('are a chain of hundreds, however long', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`r${i}.py`, one(`'r${i}'`, i === 0 ? 'None' : `'r${i - 1}'`)]),
    )
    expect(Object.keys(await chain(files))).toHaveLength(500)
  })

  test('named by an old file name alone count, as in Alembic', async () => {
    expect(await chain({ 'ae10.py': 'down_revision = None\n' })).toEqual({ ae10: [] })
  })
})

describe('the folder', () => {
  const revisions = { 'app/db/versions/a.py': one("'a'", 'None'), 'app/extra/b.py': one("'b'", "'a'") }
  const ini = (more: string) => `[loggers]\nscript_location = x\n[alembic]\n# comment\n${more}\n[other]\n`

  test.for([
    ['the folder of revisions', '/app/db/versions', {}, ['a']],
    ['the folder of scripts', '/app/db', {}, ['a']],
    ['the one of alembic.ini', '', { 'alembic.ini': ini('script_location = app/db') }, ['a']],
    ['a package', '', { 'alembic.ini': ini('script_location = app:db') }, ['a']],
    [
      'several locations',
      '',
      {
        'alembic.ini': ini('script_location = %(here)s/app/db\nversion_locations = %(here)s/app/db/versions app/extra'),
      },
      ['a', 'b'],
    ],
    [
      'locations that other keys fill in',
      '',
      {
        'alembic.ini': `[DEFAULT]\nroot = %(here)s/app\n${ini('script_location = %(root)s/db\nversion_locations = %(script_location)s/versions %(root)s/extra')}`,
      },
      ['a', 'b'],
    ],
    [
      'several locations, from the scripts',
      '/app/db',
      {
        'alembic.ini': ini(
          'script_location = app/db\npath_separator = newline\nversion_locations =\n  app/db/versions\n  app/extra',
        ),
      },
      ['a', 'b'],
    ],
    [
      'pyproject.toml',
      '',
      {
        'pyproject.toml':
          '[project]\nname = "x"\n[tool.alembic]\nscript_location = "%(here)s/app/db"\nversion_locations = [\n  "app/db/versions", # main\n  "app/extra",\n]\n[tool.x]\n',
      },
      ['a', 'b'],
    ],
    [
      'all folders inside',
      '',
      { 'alembic.ini': ini('script_location = app\nversion_locations = app\nrecursive_version_locations = true') },
      ['a', 'b'],
    ],
  ] as const)('is found from %s', async ([, folder, more, keys]) => {
    expect(Object.keys(await chain({ ...revisions, ...more }, folder))).toEqual(keys)
  })

  test('inside is left out with a warning, as Alembic does', async () => {
    const dir = writtenFolder({ 'a.py': one("'a'", 'None'), 'old/b.py': one("'b'", "'a'") })
    const left: string[] = []
    const read = await readFollowed('alembic', dir, { onLeftOut: ({ message }) => left.push(message) })
    expect(read.map(({ key }) => key)).toEqual(['a'])
    expect(left).toEqual([expect.stringContaining('recursive_version_locations')])
  })
})

describe('what cannot be told is refused', () => {
  test.for([
    ['a computed revision', { 'a.py': one('make()', 'None') }, /a\.py:4 computes `revision`/],
    ['an f-string', { 'a.py': one("f'{x}'", 'None') }, /a\.py:4 computes `revision`/],
    ['a computed down_revision', { 'a.py': one("'a'", '[before]') }, /a\.py:5 computes `down_revision`/],
    [
      'a condition',
      { 'a.py': "if x:\n  revision = 'a'\nelse:\n  revision = 'b'\ndown_revision = None\n" },
      /a\.py:2 sets `revision` under a condition/,
    ],
    ['no revision', { 'env.py': 'import x\n', 'versions/x.py': 'x = 1\n' }, /x\.py has no `revision`/],
    ['no down_revision', { 'a.py': "revision = 'a'\n" }, /has no `down_revision`/],
    ['a name that Alembic refuses', { 'a.py': one("'a-b'", 'None') }, /may not be empty nor have/],
    ['one revision twice', { 'a.py': one("'a'", 'None'), 'b.py': one("'a'", 'None') }, /have the same revision a/],
    ['one that is missing', { 'a.py': one("'a'", "'z'") }, /is built on z, which is in none of the files/],
    ['an unknown dependency', { 'a.py': one("'a'", 'None', "depends_on = 'z'") }, /depends on z/],
    ['a circle', { 'a.py': one("'a'", "'b'"), 'b.py': one("'b'", "'a'") }, /a, b are built on each other in a circle/],
    ['a revision in a function alone', { 'q.py': "def f():\n    revision = 'a'\n" }, /q\.py has no `revision`/],
    ['an empty folder', { 'README.md': '' }, /has no revision of Alembic/],
  ] as const)('%s', async ([, files, message]) => {
    const read = chain(files)
    await expect(read).rejects.toThrow(UsageError)
    await expect(read).rejects.toThrow(message)
  })
})
