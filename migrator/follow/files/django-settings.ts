// What the settings of a Django project say of its apps: which they name, and where migrations are kept.
// A project has several files of settings, and an environment variable says which is used: only what all say is certain.

import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { literalOf } from '../python/literal.ts'
import { type Binding, type Block, type PythonModule, readPython } from '../python/module.ts'
import { tokens } from '../python/tokens.ts'
import { unreadable } from '../unreadable.ts'

/** Where migrations of apps are, other than in the app, by its label; null: it has none. */
type Modules = ReadonlyMap<string, string | null>

export interface DjangoSettings {
  /** All strings in the files. */
  readonly strings: ReadonlySet<string>
  readonly moved: Modules
}

const variable = 'MIGRATION_MODULES'
const notThisFile = 'or, if the project does not use this file: --ignore.'

/** @param paths of all Python files, relative to the project's folder. @throws UsageError where settings do not agree. */
export function settingsOf(dir: string, paths: readonly string[]): DjangoSettings {
  const files = new Map(paths.filter(isSettings).map(path => [path, readPython(join(dir, path))]))
  const strings = [...files.values()].flatMap(({ source }) => tokens(source).flatMap(({ value }) => value ?? []))
  return { strings: new Set(strings), moved: new SettingsFiles(files).modules() }
}

function isSettings(path: string): boolean {
  const isForTests = /(?:^|[/_])(?:py)?test(?:s|ing)?(?=[/_.])/i.test(path)
  return /(?:^|\/)(?:settings|settings\/\w+|\w*settings\w*)\.py$/.test(path) && !isForTests
}

class SettingsFiles {
  readonly #files: ReadonlyMap<string, PythonModule>

  constructor(files: ReadonlyMap<string, PythonModule>) {
    this.#files = files
  }

  /** What each file says that could be the one in use. */
  modules(): Modules {
    const said = [...this.#files].flatMap(([path, module]) => {
      const modules = this.#modulesOf(path, new Set())
      const isWhole = modules !== undefined || this.#hasApps(path, new Set())
      return isWhole ? [{ file: module.file, modules: modules ?? new Map<string, string | null>() }] : []
    })
    const [first, ...others] = said.toSorted((a, b) => b.modules.size - a.modules.size)
    for (const other of others) refuseDifference(first!, other)
    return first?.modules ?? new Map()
  }

  /** Of the last statement that sets it, or takes it from another file. Undefined: none does. */
  #modulesOf(path: string, seen: Set<string>): Modules | undefined {
    if (seen.has(path)) return undefined
    seen.add(path)
    const module = this.#files.get(path)!
    refuseChanges(module)
    let last: Modules | undefined
    for (const binding of module.bindings) {
      const source = binding.from !== undefined ? this.#sourceOf(binding, variable) : undefined
      const taken = source === undefined ? undefined : this.#modulesOf(source, seen)
      if (!taken && (binding.from !== undefined || !binding.names.includes(variable))) continue
      if (isInFunction(binding.block)) continue
      if (binding.block.kind !== 'module') throw conditional(module, binding, source && this.#files.get(source)!.file)
      last = taken ?? written(module, binding)
    }
    return last
  }

  #hasApps(path: string, seen: Set<string>): boolean {
    if (seen.has(path)) return false
    seen.add(path)
    return this.#files.get(path)!.bindings.some(binding => {
      if (binding.from === undefined) return binding.names.includes('INSTALLED_APPS')
      const source = this.#sourceOf(binding, 'INSTALLED_APPS')
      return source !== undefined && this.#hasApps(source, seen)
    })
  }

  /** The file of settings from which an import takes the name. */
  #sourceOf({ from, names }: Binding, name: string): string | undefined {
    if (!names.includes('*') && !names.includes(name)) return undefined
    const module = from!.replace(/^\.+/, '').replaceAll('.', '/')
    return [...this.#files.keys()].find(path =>
      [`/${module}.py`, `/${module}/__init__.py`].some(end => `/${path}`.endsWith(end)),
    )
  }
}

interface Said {
  readonly file: string
  readonly modules: Modules
}

function refuseDifference(a: Said, b: Said): void {
  const label = [...a.modules.keys(), ...b.modules.keys()].find(one => a.modules.get(one) !== b.modules.get(one))
  if (label === undefined) return
  const place = ({ modules }: Said) => {
    const to = modules.get(label)
    return to === null ? 'it has none' : `in ${to ?? 'its own folder'}`
  }
  throw new UsageError(
    `${a.file} and ${b.file} do not agree where the migrations of ${label} are: ${place(a)}, and ${place(b)}. Leave out what the project does not use: --ignore; or write ${variable} in the settings that all others take over.`,
  )
}

/** What becomes of the dictionary in place only Python could tell. */
function refuseChanges(module: PythonModule): void {
  if (!module.source.includes(variable)) return
  const found = tokens(module.source)
  const at = found.findIndex(({ kind, text }, i) => {
    const next = found[i + 1]
    return kind === 'name' && text === variable && (next?.text === '[' || next?.text === '.')
  })
  if (at !== -1) throw computed(module, found[at]!.start)
}

function written(module: PythonModule, { value, start }: Binding): Modules {
  const literal = value && literalOf(value)
  const entries = literal !== null && typeof literal === 'object' && 'entries' in literal ? literal.entries : undefined
  const modules = new Map<string, string | null>()
  if (!Array.isArray(entries)) throw computed(module, start)
  for (const [label, to] of entries) {
    if (typeof label !== 'string' || (typeof to !== 'string' && to !== null)) throw computed(module, start)
    modules.set(label, to)
  }
  return modules
}

function computed(module: PythonModule, start: number): UsageError {
  return unreadable(
    module,
    start,
    `computes ${variable}, and schemagate does not run Python`,
    `Write one dictionary of strings; ${notThisFile}`,
  )
}

function conditional(module: PythonModule, { block, start }: Binding, source: string | undefined): UsageError {
  const what = source === undefined ? `sets ${variable}` : `takes ${variable} from ${source}`
  const where = block.kind === 'class' ? 'in a class' : 'under a condition'
  return unreadable(
    module,
    start,
    `${what} ${where}, which only Python could tell`,
    `Set it once, outside of any block; ${notThisFile}`,
  )
}

/** There it is another name. */
function isInFunction(block: Block): boolean {
  for (let at: Block | undefined = block; at; at = at.parent) if (at.kind === 'function') return true
  return false
}
