// Django's migrations as a manifest has them.

import { describe, expect, test } from 'vitest'
import { compare } from '../../../gate/histories/compare.ts'
import { django } from '../../../gate/histories/django.ts'
import { UsageError } from '../../../migrator/errors.ts'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

const migration = (body = '    dependencies = []\n') =>
  `from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n${body}`
const app = (folder: string, ...names: string[]) =>
  Object.fromEntries([
    [`${folder}/migrations/__init__.py`, ''],
    ...names.map(name => [`${folder}/migrations/${name}.py`, migration()]),
  ])

async function read(files: Record<string, string>): Promise<{ keys: string[]; left: string[] }> {
  const left: string[] = []
  const dir = writtenFolder(files)
  const migrations = await readFollowed('django', dir, {
    onLeftOut: ({ message }) => left.push(message.slice(dir.length + 1)),
  })
  return { keys: migrations.map(({ key }) => key), left }
}

describe("a project's apps", () => {
  test('are those with a package of migrations, by their labels', async () => {
    const files = {
      ...app('shop/orders', '0002_more', '0001_initial'),
      ...app('users', '0001_initial'),
      'users/apps.py':
        "from x import AppConfig\nclass UsersConfig(AppConfig):\n    name = 'users'\n    label = 'people'\n",
      'users/migrations/_helper.py': '',
      'users/migrations/~draft.py': '',
      'users/migrations/inside/__init__.py': '',
      'users/migrations/0002.old.py': '',
      ...app('.venv/lib/auth', '0001_initial'),
      ...app('lib/site-packages/auth', '0001_initial'),
      'plain/migrations/0001_initial.py': migration(),
    }
    expect((await read(files)).keys).toEqual(['orders.0001_initial', 'orders.0002_more', 'people.0001_initial'])
  })

  test("may be in a folder of any name; libraries' are told by what is there", async () => {
    const files = {
      ...app('vendor', '0001_initial'),
      ...app('env/shop', '0001_initial'),
      ...app('deps/_build/parts', '0001_initial'),
      'py/pyvenv.cfg': 'home = /usr/bin\n',
      ...app('py/src/library', '0001_initial'),
      'conda/conda-meta/history': '',
      ...app('conda/library', '0001_initial'),
      ...app('lib/dist-packages/library', '0001_initial'),
    }
    expect((await read(files)).keys).toEqual(['parts.0001_initial', 'shop.0001_initial', 'vendor.0001_initial'])
  })

  test('take the configuration that is the default', async () => {
    const files = {
      ...app('a', '0001'),
      'a/apps.py': "class A(C):\n    label = 'x'\n    default = True\n\nclass B(C):\n    label = 'y'\n",
    }
    expect((await read(files)).keys).toEqual(['x.0001'])
  })

  test('take one in the package itself, where settings may name it', async () => {
    const files = {
      ...app('files/app', '0001'),
      'files/app/__init__.py':
        "from plugin import PluginAppConfig\nclass FilesConfig(PluginAppConfig):\n    label = 'files'\n",
      ...app('certs/app', '0001'),
      'certs/app/__init__.py':
        "class CertsConfig(PluginAppConfig):\n    label = 'certs'\n\nclass Other(Base):\n    label = 'x'\n",
    }
    expect((await read(files)).keys).toEqual(['certs.0001', 'files.0001'])
  })

  test('that are for tests are left out with a warning, unless settings name them', async () => {
    const files = {
      ...app('core', '0001'),
      ...app('tests/fake', '0001'),
      ...app('lab/tests', '0001'),
      'lab/settings.py': "INSTALLED_APPS = ['core', 'lab.tests']\n",
    }
    expect(await read(files)).toEqual({
      keys: ['core.0001', 'tests.0001'],
      left: ['tests/fake/migrations is left out: it is in a folder of tests, and no settings name it.'],
    })
  })

  test('have their migrations where MIGRATION_MODULES says', async () => {
    const files = {
      ...app('a', '0001'),
      ...app('b', '0001'),
      'moved/__init__.py': '',
      'moved/0007_x.py': migration(),
      'kept/flatpages/__init__.py': '',
      'kept/flatpages/0001_y.py': migration(),
      'config/settings/base.py':
        "MIGRATION_MODULES = {'a': 'moved', 'b': None, 'flatpages': 'kept.flatpages', 'far': 'elsewhere.x'}\n",
      'config/settings/test.py': 'MIGRATION_MODULES = Disabled()\n',
    }
    expect((await read(files)).keys).toEqual(['a.0007_x', 'flatpages.0001_y'])
  })
})

describe('settings that say where migrations are', () => {
  const apps = { ...app('shop', '0001'), 'moved/__init__.py': '', 'moved/0007.py': migration() }
  const installed = "INSTALLED_APPS = ['shop']\n"
  const toMoved = "MIGRATION_MODULES = {'shop': 'moved'}\n"

  test.for([
    ['take them from others', { 'settings/base.py': installed + toMoved, 'settings/prod.py': 'from .base import *\n' }],
    [
      'take them from others by name',
      {
        'settings/base.py': installed + toMoved,
        'settings/prod.py': 'from .base import INSTALLED_APPS, MIGRATION_MODULES\n',
      },
    ],
    ['agree', { 'settings/a.py': installed + toMoved, 'settings/b.py': installed + toMoved }],
    [
      'have parts that are no settings by themselves',
      { 'settings.py': installed + toMoved, 'settings/celery.py': 'X = 1\n' },
    ],
    ['set them again', { 'settings.py': `${installed}MIGRATION_MODULES = {}\n${toMoved}` }],
    [
      'are overridden by what is taken later',
      {
        'settings.py': `${installed}MIGRATION_MODULES = {}\nfrom local_settings import *\n`,
        'local_settings.py': toMoved,
      },
    ],
    ['use the name in a function', { 'settings.py': `${installed}${toMoved}def f():\n    MIGRATION_MODULES = {}\n` }],
    [
      'are for tests',
      { 'settings.py': installed + toMoved, 'test_settings.py': 'from settings import *\nMIGRATION_MODULES = {}\n' },
    ],
    ['are in a folder whose name has "test" in it', { 'contest/settings.py': installed + toMoved }],
  ] as const)('%s', async ([, files]) => {
    expect((await read({ ...apps, ...files })).keys).toEqual(['shop.0007'])
  })

  test.for([
    [
      'under a condition',
      { 'settings.py': `${installed}if 'test' in sys.argv:\n    MIGRATION_MODULES = {'shop': None}\n` },
      /settings\.py:3 sets MIGRATION_MODULES under a condition.*--ignore/,
    ],
    [
      'in one class of several',
      { 'settings.py': `class Prod(C):\n    ${installed}class Ci(Prod):\n    MIGRATION_MODULES = {'shop': None}\n` },
      /settings\.py:4 sets MIGRATION_MODULES in a class.*--ignore/,
    ],
    [
      'taken from others under a condition',
      { 'settings/base.py': `${installed}if CI:\n    from .ci import *\n`, 'settings/ci.py': toMoved },
      /base\.py:3 takes MIGRATION_MODULES from .*ci\.py under a condition.*--ignore/,
    ],
    [
      'in one of two files',
      { 'settings/base.py': installed, 'settings/ci.py': "from .base import *\nMIGRATION_MODULES = {'shop': None}\n" },
      /ci\.py.* and .*base\.py do not agree where the migrations of shop are: it has none, and in its own folder.*--ignore/,
    ],
    [
      'at two places',
      { 'settings/a.py': installed + toMoved, 'settings/b.py': `${installed}MIGRATION_MODULES = {'shop': 'other'}\n` },
      /a\.py and .*b\.py do not agree where the migrations of shop are: in moved, and in other/,
    ],
    [
      'added to',
      { 'settings.py': `${installed}MIGRATION_MODULES = {}\nMIGRATION_MODULES |= more\n` },
      /settings\.py:3 computes/,
    ],
    [
      'changed by a key',
      { 'settings.py': `${installed}MIGRATION_MODULES = {}\nif CI: MIGRATION_MODULES['shop'] = None\n` },
      /settings\.py:3 computes/,
    ],
    [
      'changed by a call',
      { 'settings.py': `${installed}MIGRATION_MODULES.update(shop='moved')\n` },
      /settings\.py:2 computes/,
    ],
    ['no module', { 'settings.py': `${installed}MIGRATION_MODULES = {'shop': False}\n` }, /settings\.py:2 computes/],
    ['no Python', { 'settings.py': `${installed}X = '\n` }, /settings\.py:2 has a string that does not end/],
  ] as const)('are refused: %s', async ([, files, message]) => {
    const result = read({ ...apps, ...files })
    await expect(result).rejects.toThrow(UsageError)
    await expect(result).rejects.toThrow(message)
  })

  test('count no more once they are ignored', async () => {
    const dir = writtenFolder({
      ...apps,
      'settings/base.py': installed,
      'settings/ci.py': "MIGRATION_MODULES = {'shop': None}\n",
    })
    const migrations = await readFollowed('django', dir, { ignore: ['settings/ci.py'] })
    expect(migrations.map(({ key }) => key)).toEqual(['shop.0001'])
  })
})

test('a squashed migration says for which it stands in', async () => {
  const files = {
    ...app('a', '0001', '0002'),
    'a/migrations/0001_squashed_0002.py': migration(
      '    replaces = [\n        (\'a\', \'0001\'),  # first\n        ("a", "0002"),\n    ]\n    def f(self):\n        replaces = []\n',
    ),
  }
  const migrations = await readFollowed('django', writtenFolder(files))
  expect(migrations.map(({ key, replaces }) => [key, replaces])).toEqual([
    ['a.0001', undefined],
    ['a.0001_squashed_0002', ['a.0001', 'a.0002']],
    ['a.0002', undefined],
  ])
})

test("rows of libraries' apps are no sign of another release, rows of the project's apps are", () => {
  const table = {
    tool: django,
    schema: 'public',
    table: 'django_migrations',
    columns: new Set<string>(),
    beside: new Set<string>(),
    readable: true,
    owner: 'x',
  }
  const stateWith = (...keys: string[]) => {
    const entries = keys.map(key => ({ key, name: key }))
    const expected = ['a.0001', 'a.0002'].map(key => ({ key, name: key }))
    return compare(expected, { entries, unfinished: [], table, running: false }).state
  }
  expect(stateWith('auth.0001_initial', 'a.0001', 'a.0002')).toBe('current')
  expect(stateWith('auth.0001_initial', 'a.0001')).toBe('behind')
  expect(stateWith('a.0001', 'a.0002', 'a.0003')).toBe('ahead')
  expect(stateWith('a.0001', 'a.0003')).toBe('diverged')
})

describe('what cannot be told is refused', () => {
  test.for([
    [
      'computed replaces',
      { ...app('a', '0001'), 'a/migrations/0002.py': migration('    replaces = older()\n') },
      /0002\.py:5 computes `replaces`/,
    ],
    [
      'a computed label',
      { ...app('a', '0001'), 'a/apps.py': 'class A(C):\n    label = make()\n' },
      /apps\.py:2 computes `label`/,
    ],
    [
      'two labels',
      { ...app('a', '0001'), 'a/apps.py': "class A(C):\n    label = 'x'\nclass B(C):\n    label = 'y'\n" },
      /several configurations, which label the app x and y/,
    ],
    [
      'two apps with one label, as of two projects',
      { ...app('a/core', '0001'), ...app('b/core', '0001') },
      /a\/core\/migrations and .*b\/core\/migrations are both of an app with the label core/,
    ],
    [
      'a module without a Migration',
      { ...app('a', '0001'), 'a/migrations/0002.py': 'x = 1\n' },
      /0002\.py has no class Migration/,
    ],
    [
      'computed MIGRATION_MODULES',
      { ...app('a', '0001'), 'settings.py': 'MIGRATION_MODULES = make()\n' },
      /settings\.py:1 computes MIGRATION_MODULES/,
    ],
    ['a project without apps', { 'manage.py': '' }, /has no app of Django with migrations/],
    ['a folder that is no package', { 'a/migrations/0001.py': migration() }, /has no app of Django with migrations/],
  ] as const)('%s', async ([, files, message]) => {
    const result = read(files)
    await expect(result).rejects.toThrow(UsageError)
    await expect(result).rejects.toThrow(message)
  })
})
