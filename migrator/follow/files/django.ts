// Django: a package `migrations` in each app of the project. Apps of libraries are not part of it, and are not expected.
// https://github.com/django/django: db/migrations/loader.py (which modules are read), apps/config.py (an app's label).

import { join } from 'node:path'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { type Literal, literalOf } from '../python/literal.ts'
import { type PythonModule, readPython } from '../python/module.ts'
import { unreadable } from '../unreadable.ts'
import { type App, appsOf } from './django-apps.ts'
import type { FollowedReader } from './reader.ts'
import { filesIn, isOwnFolder } from './tree.ts'

export const django: FollowedReader = async (dir, options) => {
  const paths = filesIn(dir, { ignore: options.ignore, enters: isOwnFolder }).filter(path => path.endsWith('.py'))
  const apps = appsOf(dir, paths, options)
  const withMigrations = apps
    .map(app => ({ app, migrations: migrationsOf(dir, app, paths, options) }))
    .filter(({ migrations }) => migrations.length > 0)
  refuseOneLabel(
    dir,
    withMigrations.map(({ app }) => app),
  )
  const migrations = withMigrations.flatMap(each => each.migrations)
  if (migrations.length === 0)
    throw new UsageError(
      `${dir} has no app of Django with migrations: a folder \`migrations\` with an __init__.py. --dir names the project's folder, in which manage.py is.`,
    )
  return migrations
}

/** The history has labels alone: what one of the apps has applied would count for the other. */
function refuseOneLabel(dir: string, apps: readonly App[]): void {
  const known = new Map<string, App>()
  for (const app of apps) {
    const other = known.get(app.label)
    if (other)
      throw new UsageError(
        `${join(dir, other.migrations)} and ${join(dir, app.migrations)} are both of an app with the label ${app.label}, and no project of Django's has two such apps. Name the folder of one project with --dir; or leave out what the project does not install: --ignore '${app.migrations}'`,
      )
    known.set(app.label, app)
  }
}

function migrationsOf(dir: string, app: App, paths: readonly string[], options: FolderOptions): FollowedMigration[] {
  const files = paths.filter(path => path.startsWith(`${app.migrations}/`) && isModule(nameIn(path, app)))
  const modules = files.map(path => readPython(join(dir, path)))
  const others = modules.filter(module => !hasMigration(module))
  const [first] = others
  if (others.length === modules.length) {
    if (first)
      options.onLeftOut?.({
        file: first.file,
        message: `${join(dir, app.migrations)} is left out: none of its modules has a class Migration, so it is no folder of Django's.`,
      })
    return []
  }
  if (first)
    throw new UsageError(
      `${first.file} has no class Migration, and Django refuses such a module (BadMigrationError). Move it out of the folder, or begin its name with an underscore.`,
    )
  return files.map((path, i) => {
    const key = `${app.label}.${nameIn(path, app).slice(0, -'.py'.length)}`
    const replaces = replacedBy(modules[i]!)
    return { key, name: key, ...(replaces.length > 0 && { replaces }) }
  })
}

function nameIn(path: string, app: App): string {
  return path.slice(app.migrations.length + 1)
}

/** loader.py: packages, and what begins with `_` or `~`, are passed over; a module's name has no dot. */
function isModule(fileName: string): boolean {
  return /^[^_~./][^./]*\.py$/.test(fileName)
}

function hasMigration({ classes, bindings }: PythonModule): boolean {
  return (
    classes.some(({ block }) => block.name === 'Migration' && block.parent?.kind !== 'class') ||
    bindings.some(({ names, block }) => names.includes('Migration') && block.kind === 'module')
  )
}

/** Keys of those for which a squashed migration stands in. */
function replacedBy(module: PythonModule): readonly string[] {
  const binding = module.bindings.findLast(
    ({ names, block }) => names.includes('replaces') && block.kind === 'class' && block.name === 'Migration',
  )
  if (!binding) return []
  const keys = binding.value && pairs(literalOf(binding.value))
  if (keys) return keys
  throw unreadable(
    module,
    binding.start,
    'computes `replaces`, and schemagate does not run Python',
    "Write a list of pairs: [('app', '0001_initial')].",
  )
}

function pairs(value: Literal | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const keys: string[] = []
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some(part => typeof part !== 'string')) return undefined
    keys.push(pair.join('.'))
  }
  return keys
}
