// The apps of a Django project that have migrations, with their labels, as far as its files tell.

import { join } from 'node:path'
import type { FolderOptions } from '../../files/folder.ts'
import { type Literal, literalOf } from '../python/literal.ts'
import { type PythonModule, readPython } from '../python/module.ts'
import { unreadable } from '../unreadable.ts'
import { settingsOf } from './django-settings.ts'
import { baseOf } from './tree.ts'

export interface App {
  readonly label: string
  /** The path of its migrations' folder, in the project's. */
  readonly migrations: string
}

/** @param paths of all Python files, relative to the project's folder. */
export function appsOf(dir: string, paths: readonly string[], { onLeftOut }: FolderOptions): readonly App[] {
  const { strings: named, moved } = settingsOf(dir, paths)
  const packages = paths
    .filter(path => /(?:^|\/)migrations\/__init__\.py$/.test(path))
    .map(path => path.slice(0, -'/__init__.py'.length))
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

/** An app's label is its folder's name, unless its AppConfig has another. Undefined: the folder has no name to Python. */
function labelOf(dir: string, folder: string, paths: readonly string[]): string | undefined {
  const inFolder = (name: string) => (folder === '' ? name : `${folder}/${name}`)
  const usual = folder === '' ? undefined : baseOf(folder)
  // settings may name a class that is in the package itself
  const files = [
    { path: inFolder('apps.py'), bases: /\w/ },
    { path: inFolder('__init__.py'), bases: /Config\b/ },
  ]
  const configs = files
    .filter(({ path }) => paths.includes(path))
    .flatMap(({ path, bases }) => {
      const module = readPython(join(dir, path))
      return module.classes
        .filter(({ block }) => block.parent?.kind === 'module' && bases.test(block.bases))
        .map(one => ({ ...one, module }))
    })
  const byDefault = configs.filter(({ module, block }) => valueIn(module, block.name, 'default')?.value === true)
  const labels = (byDefault.length > 0 ? byDefault : configs).map(({ module, block }) => {
    const label = valueIn(module, block.name, 'label')
    return label && { ...label, module }
  })
  const computed = labels.find(label => label && typeof label.value !== 'string')
  if (computed)
    throw unreadable(
      computed.module,
      computed.start,
      'computes `label`, and schemagate does not run Python',
      "Write a string: label = 'name'.",
    )
  const distinct = new Set(labels.map(label => (typeof label?.value === 'string' ? label.value : usual)))
  if (distinct.size > 1)
    throw unreadable(
      configs[0]!.module,
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
