// Where Alembic's revisions are, seen from any of the folders that a person would name.

import { statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { baseOf, filesIn } from './tree.ts'

interface Locations {
  readonly folders: readonly string[]
  readonly deep: boolean
}

// script/base.py: editors' lock files begin with `.#`
const revisionFile = /^(?!\.#|__init__).*\.py$/

/**
 * The files that Alembic reads, in the folder of revisions, the one of its scripts (with `env.py`), or the one that has
 * `alembic.ini` or a `pyproject.toml` with `[tool.alembic]`.
 * @throws UsageError if the folder is missing or has none of these.
 */
export function revisionFiles(dir: string, { ignore, onLeftOut }: FolderOptions): readonly string[] {
  const { folders, deep } = configured(dir) ?? byFolder(dir, ignore)
  const there = folders.filter(isThere)
  const paths = there.flatMap(folder => pythonFiles(folder, deep, ignore))
  const read = new Set(paths)
  const inside = there.flatMap(folder => pythonFiles(folder, true, ignore)).filter(path => !read.has(path))
  const [first, ...others] = inside.filter(path => readUtf8(path).includes('down_revision'))
  if (first !== undefined)
    onLeftOut?.({
      file: first,
      message: `${first}${others.length > 0 ? ` and ${others.length} more` : ''}: left out, as Alembic leaves out what is in a folder inside. If the project reads it: recursive_version_locations = true, or its folder in version_locations, in alembic.ini.`,
    })
  if (paths.length === 0)
    throw new UsageError(
      `${folders.join(' and ')} has no revision of Alembic. --dir names the folder of revisions (versions), or the one in which alembic.ini is.`,
    )
  return [...read]
}

function pythonFiles(folder: string, deep: boolean, ignore: readonly string[] | undefined): string[] {
  const enters = (name: string) => deep && name !== '__pycache__'
  return filesIn(folder, { ignore, enters })
    .filter(path => revisionFile.test(baseOf(path)))
    .map(path => join(folder, path))
}

function byFolder(dir: string, ignore: readonly string[] | undefined): Locations {
  const isScripts = isThere(join(dir, 'env.py')) || isThere(join(dir, 'versions'))
  const scripts = isScripts ? dir : join(dir, '..')
  const above = [scripts, join(scripts, '..'), join(scripts, '../..'), join(scripts, '../../..')]
  const found = above.map(folder => ({ folder, config: readConfig(folder) })).find(({ config }) => config)
  const locations = found && locationsOf(found.folder, found.config!, resolve(scripts))
  if (locations) return locations
  const versions = isScripts ? join(dir, 'versions') : dir
  // a project that sets its locations in code, or one folder for each release
  const deep = pythonFiles(versions, false, ignore).length === 0
  return { folders: [versions], deep }
}

function configured(dir: string): Locations | undefined {
  const config = readConfig(dir)
  const locations = config && locationsOf(dir, config, undefined)
  if (config && !locations && !isThere(join(dir, 'versions')))
    throw new UsageError(
      `${join(dir, config.file)} does not say where the revisions are in a way that can be read. Name their folder with --dir.`,
    )
  return locations
}

/** Undefined: the configuration is that of other scripts, or computed. */
function locationsOf(root: string, config: Config, scripts: string | undefined): Locations | undefined {
  const script = config.script && folderAt(root, config.script)
  if (script === undefined || (scripts !== undefined && resolve(script) !== scripts)) return undefined
  const folders = config.versions.map(location => folderAt(root, location) ?? join(root, location))
  return { folders: folders.length > 0 ? folders : [join(script, 'versions')], deep: config.deep }
}

/** A path, or `package.inside:path`. Undefined: there is no such folder. */
function folderAt(root: string, location: string): string | undefined {
  const [, name, path] = /^([\w.]+):(?![\\/])(.*)$/.exec(location) ?? []
  const relative = name === undefined ? location : join(name.replaceAll('.', '/'), path!)
  const candidates = isAbsolute(relative) ? [relative] : [join(root, relative), join(root, 'src', relative), relative]
  return candidates.find(folder => isThere(folder) && statSync(folder).isDirectory())
}

interface Config {
  readonly file: string
  readonly script: string | undefined
  readonly versions: readonly string[]
  readonly deep: boolean
}

function readConfig(folder: string): Config | undefined {
  const project = textAt(join(folder, 'pyproject.toml'))
  const inProject = project === undefined ? undefined : section(project, 'tool.alembic')
  if (inProject?.has('script_location')) return configOf('pyproject.toml', folder, toml(inProject), 'newline')
  const ini = textAt(join(folder, 'alembic.ini'))
  const inIni = ini === undefined ? undefined : section(ini, 'alembic')
  if (!inIni) return undefined
  const values = new Map([...(section(ini!, 'DEFAULT') ?? []), ...inIni])
  const separator = values.get('path_separator') ?? values.get('version_path_separator') ?? 'legacy'
  return configOf('alembic.ini', folder, values, separator)
}

const separators: Readonly<Record<string, string | RegExp>> = {
  ...{ space: /\s+/, newline: /\n/, os: delimiter, ':': ':', ';': ';', legacy: /, *| +|\n/ },
}

function configOf(file: string, here: string, values: ReadonlyMap<string, string>, separator: string): Config {
  // configparser's interpolation, to its depth
  const filled = (text: string, depth = 10): string =>
    text.replaceAll(/%%|%\((\w+)\)s/g, (mark, key?: string) => {
      if (key === undefined) return '%'
      if (key === 'here') return resolve(here)
      return depth > 0 && values.has(key) ? filled(values.get(key)!, depth - 1) : mark
    })
  const get = (key: string) => (values.has(key) ? filled(values.get(key)!).trim() : undefined)
  const versions = get('version_locations')?.split(separators[separator] ?? separators.legacy!) ?? []
  return {
    file,
    script: get('script_location'),
    versions: versions.map(one => one.trim()).filter(one => one !== ''),
    deep: get('recursive_version_locations') === 'true',
  }
}

/** The keys of one section; a value goes on in lines that are indented, or until its bracket closes. */
function section(text: string, name: string): ReadonlyMap<string, string> | undefined {
  let values: Map<string, string> | undefined
  let isInside = false
  let key: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1]
    if (header !== undefined) {
      isInside = header.trim() === name
      if (isInside) values ??= new Map()
      key = undefined
    } else if (!isInside || /^\s*(?:[#;]|$)/.test(line)) continue
    else {
      const [, word, value] = /^([\w.-]+)\s*[=:]\s*(.*)$/.exec(line) ?? []
      key = word ?? key
      if (word !== undefined) values!.set(word, value!)
      else if (key !== undefined) values!.set(key, `${values!.get(key)}\n${line.trim()}`)
    }
  }
  return values
}

/** Values of TOML that are strings or lists of strings, a line for each. */
function toml(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const strings = (value: string) => [...value.matchAll(/"([^"\\\n]*)"|'([^'\n]*)'/g)].map(([, a, b]) => a ?? b ?? '')
  return new Map(
    [...values].map(([key, value]) => [key, /^["'[]/.test(value) ? strings(value).join('\n') : value.trim()]),
  )
}

function textAt(path: string): string | undefined {
  return isThere(path) ? readUtf8(path) : undefined
}
