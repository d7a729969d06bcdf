// The apps of a Django project that have migrations, with their labels, as far as its files tell.

import { join } from 'node:path'
import type { FolderOptions } from '../../files/folder.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { type Literal, literalOf } from '../python/literal.ts'
import { type PythonModule, readPython } from '../python/module.ts'
import { tokens } from '../python/tokens.ts'
import { unreadable } from '../unreadable.ts'
import { baseOf } from './tree.ts'

export interface App {
  readonly label: string
  /** The path of its migrations' folder, in the project's. */
  readonly migrations: string
}

/** @param paths of all Python files, relative to the project's folder. */
export function appsOf(dir: string, paths: readonly string[], { onLeftOut }: FolderOptions): readonly App[] {
  const settings = paths.filter(isSettings)
  const moved = migrationModules(dir, settings)
  const packages = paths
    .filter(path => /(?:^|\/)migrations\/__init__\.py$/.test(path))
    .map(path => path.slice(0, -'/__init__.py'.length))
  const named = new Set(settings.flatMap(path => strings(join(dir, path))))
  const apps: App[] = []
  for (const migrations of packages) {
    const folder = migrations === 'migrations' ? '' : migrations.slice(0, -'/migrations'.length)
    if (isForTests(folder) && !isNamed(folder, named)) {
      onLeftOut?.({
        file: join(dir, migrations),
        message: `${join(dir, migrations)} is left out: it is in a folder of tests, and no settings name it.`,
      })
      continue
    }
    const label = labelOf(dir, folder, paths)
    if (label !== undefined && !moved.has(label)) apps.push({ label, migrations })
  }
  for (const [label, module] of moved) {
    const path = module?.replaceAll('.', '/')
    // of a library's app they may be in the project, or in another library
    const init = paths.find(one => path !== undefined && `/${one}`.endsWith(`/${path}/__init__.py`))
    if (init !== undefined) apps.push({ label, migrations: init.slice(0, -'/__init__.py'.length) })
  }
  return apps.toSorted((a, b) => (a.label < b.label ? -1 : 1))
}

function isSettings(path: string): boolean {
  return /(?:^|\/)(?:settings|settings\/\w+|\w*settings\w*)\.py$/.test(path) && !/test/i.test(path)
}

function isForTests(folder: string): boolean {
  return folder.split('/').some(name => /^(?:tests?|testing|test_.*)$/.test(name))
}

/** `a/b/c` is `a.b.c`, `b.c` or `c`, from whichever of its folders Python starts. */
function isNamed(folder: string, named: ReadonlySet<string>): boolean {
  const parts = folder.split('/')
  return parts.some((_, i) => {
    const module = parts.slice(i).join('.')
    return [...named].some(name => name === module || name.startsWith(`${module}.apps.`))
  })
}

function strings(file: string): readonly string[] {
  return tokens(readUtf8(file)).flatMap(({ value }) => (value === undefined ? [] : [value]))
}

/** An app's label is its folder's name, unless its AppConfig has another. Undefined: the folder has no name to Python. */
function labelOf(dir: string, folder: string, paths: readonly string[]): string | undefined {
  const path = folder === '' ? 'apps.py' : `${folder}/apps.py`
  const usual = folder === '' ? undefined : baseOf(folder)
  if (!paths.includes(path)) return usual
  const module = readPython(join(dir, path))
  const configs = module.classes.filter(({ block }) => block.parent?.kind === 'module' && /\w/.test(block.bases))
  const byDefault = configs.filter(({ block }) => valueIn(module, block.name, 'default')?.value === true)
  const labels = (byDefault.length > 0 ? byDefault : configs).map(({ block }) => valueIn(module, block.name, 'label'))
  const computed = labels.find(label => label && typeof label.value !== 'string')
  if (computed)
    throw unreadable(
      module,
      computed.start,
      'computes `label`, and schemagate does not run Python',
      "Write a string: label = 'name'.",
    )
  const distinct = new Set(labels.map(label => (typeof label?.value === 'string' ? label.value : usual)))
  if (distinct.size > 1)
    throw unreadable(
      module,
      configs[0]!.start,
      `has several configurations, which label the app ${[...distinct].join(' and ')}`,
      'Mark the one that the project uses with `default = True`.',
    )
  return distinct.size === 1 ? [...distinct][0] : usual
}

/** What a class binds in its own body. */
function valueIn(
  module: PythonModule,
  className: string,
  name: string,
): { readonly value: Literal | undefined; readonly start: number } | undefined {
  const binding = module.bindings.findLast(
    ({ names, block }) => names.includes(name) && block.kind === 'class' && block.name === className,
  )
  return binding && { value: binding.value && literalOf(binding.value), start: binding.start }
}

/** Where the settings keep migrations of apps elsewhere, by the app's label; null: the app has none. */
function migrationModules(dir: string, settings: readonly string[]): ReadonlyMap<string, string | null> {
  const moved = new Map<string, string | null>()
  for (const path of settings) {
    // most settings have none, and they may be long
    if (!readUtf8(join(dir, path)).includes('MIGRATION_MODULES')) continue
    const module = readPython(join(dir, path))
    for (const { names, value, start } of module.bindings) {
      if (!names.includes('MIGRATION_MODULES') || value === undefined) continue
      const literal = literalOf(value)
      const entries =
        literal !== null && typeof literal === 'object' && 'entries' in literal ? literal.entries : undefined
      if (!Array.isArray(entries))
        throw unreadable(
          module,
          start,
          'computes MIGRATION_MODULES, and schemagate does not run Python',
          'Write a dictionary of strings; or, if the project does not use this file: --ignore.',
        )
      for (const [label, to] of entries)
        if (typeof label === 'string' && (typeof to === 'string' || to === null)) moved.set(label, to)
    }
  }
  return moved
}
