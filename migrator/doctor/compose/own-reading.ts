// The stack from the YAML alone: overlays, extends and includes as Compose merges them, where docker cannot be asked.

import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { isScalar, visit } from 'yaml'
import { type ComposeDocument, parseCompose, problem, valuesOf } from './documents.ts'
import { readEnvFile } from './env-file.ts'
import { askForAll, interpolateAll, type Variables } from './interpolate.ts'
import { asList, isValues, mergeValues } from './merge.ts'
import { rebase } from './rebase.ts'
import { readText } from './text-file.ts'

type Values = Record<string, unknown>

/** Deeper than any honest chain; a ring of files ends here. */
const deepest = 20

export interface OwnReading {
  readonly values: Values
  /** The same as the project's own files could have it: nothing interpolated, what only an included `.env` has asked for. */
  readonly written: Values
  /** Every file that was read, the lowest first. */
  readonly documents: readonly ComposeDocument[]
  /** What could not be read, one sentence each. */
  readonly notes: readonly string[]
}

/**
 * Reads and merges the files.
 * @throws UsageError for an include or an extended file that is not there.
 */
export function readAlone(documents: readonly ComposeDocument[], variables: Variables): OwnReading {
  const reader = new Reader(documents[0]!, (own, _, all) => interpolateAll(own, all))
  const asWritten = new Reader(documents[0]!, (own, { file }, all) => {
    const ofIncludes = Object.keys(all).filter(name => !Object.hasOwn(variables, name))
    return askForAll(own, new Set(ofIncludes), file)
  })
  let [values, written]: Values[] = [{}, {}]
  for (const document of documents) {
    values = reader.layOver(values!, document, variables, 0)
    written = asWritten.layOver(written!, document, variables, 0)
  }
  return { values: values!, written: written!, documents: [...reader.further, ...documents], notes: reader.notes }
}

/** What becomes of a file's values before they are merged. */
type Change = (own: Values, document: ComposeDocument, variables: Variables) => unknown

class Reader {
  readonly further: ComposeDocument[] = []
  readonly notes: string[] = []
  readonly #main: ComposeDocument
  readonly #change: Change

  /** @param main in the project's folder, from which the relative paths of all files are made to count */
  constructor(main: ComposeDocument, change: Change) {
    this.#main = main
    this.#change = change
  }

  layOver(below: Values, document: ComposeDocument, variables: Variables, depth: number): Values {
    if (depth > deepest) throw problem(document, ['include'], 'its includes come back to themselves.')
    const own = valuesOf(document)
    const taken = withoutReset(below, own, document)
    const values = this.#take(own, document, variables)
    let result = taken
    const includes = interpolateAll(own.include, variables)
    for (const include of asList(includes)) result = this.#include(result, include, document, variables, depth)
    if (isValues(values.services)) values.services = this.#extended(values.services, document, variables)
    return mergeValues(result, values) as Values
  }

  #take(own: Values, document: ComposeDocument, variables: Variables): Values {
    const { directory } = document
    const values = this.#change(own, document, variables) as Values
    if (directory === this.#main.directory || !isValues(values.services)) return values
    const services = Object.entries(values.services)
    const move = (service: unknown) => (isValues(service) ? rebase(service, directory, this.#main.directory) : service)
    return { ...values, services: Object.fromEntries(services.map(([name, service]) => [name, move(service)])) }
  }

  #include(below: Values, include: unknown, document: ComposeDocument, variables: Variables, depth: number): Values {
    const entry: Values = isValues(include) ? include : { path: include }
    const paths = asList(entry.path).map(String)
    if (paths.some(path => /^(https?:|git@|oci:|github\.com)/.test(path))) {
      this.notes.push(`${document.file} includes ${paths.join(', ')}, which is elsewhere and is not read.`)
      return below
    }
    const directory = resolve(document.directory, String(entry.project_directory ?? dirname(paths[0] ?? '.')))
    const files = entry.env_file === undefined ? [join(directory, '.env')] : asList(entry.env_file).map(String)
    const own = Object.assign({}, ...files.map(file => readEnvFile(resolve(document.directory, file)) ?? {}))
    let result = below
    for (const path of paths) {
      const other = this.#read(path, directory, document, ['include'])
      result = this.layOver(result, other, { ...own, ...variables }, depth + 1)
    }
    return result
  }

  #read(path: string, directory: string | undefined, from: ComposeDocument, at: readonly string[]): ComposeDocument {
    const full = resolve(from.directory, path)
    if (!existsSync(full)) throw problem(from, at, `this names ${path}, and there is no such file.`)
    const known = this.further.find(one => one.path === full)
    if (known) return known
    const name = join(dirname(this.#main.file), relative(this.#main.directory, full))
    const document = parseCompose(name, full, directory ?? dirname(full), readText(name, full))
    this.further.push(document)
    return document
  }

  #extended(services: Values, document: ComposeDocument, variables: Variables): Values {
    return Object.fromEntries(
      Object.keys(services).map(name => [name, this.#extend(name, services, document, variables, [])]),
    )
  }

  /** @param seen the services that lead here, each by its file and name */
  #extend(
    name: string,
    services: Values,
    document: ComposeDocument,
    variables: Variables,
    seen: readonly string[],
  ): unknown {
    const service = services[name]
    if (!isValues(service) || service.extends === undefined) return service
    const at = ['services', name, 'extends']
    const id = `${document.file} ${name}`
    if (seen.includes(id)) throw problem(document, at, `${name} extends itself.`)
    const { extends: target, ...own } = service
    const named = interpolateAll(target, variables)
    const { file, service: base } = isValues(named) ? named : { file: undefined, service: named }
    let others = services
    let from = document
    if (file !== undefined) {
      from = this.#read(String(file), undefined, document, at)
      const read = this.#take(valuesOf(from), from, variables)
      others = isValues(read.services) ? read.services : {}
    }
    if (!(String(base) in others)) throw problem(document, at, `there is no service ${String(base)} to extend.`)
    return mergeValues(this.#extend(String(base), others, from, variables, [...seen, id]), own)
  }
}

/**
 * What an overlay's `!reset` and `!override` take out of the files below; a value with `!reset` is taken out of its
 * own, too.
 */
function withoutReset(below: Values, own: Values, { yaml, text }: ComposeDocument): Values {
  if (!text.includes('!reset') && !text.includes('!override')) return below
  let result = below
  visit(yaml, {
    Node(_, node, ancestors) {
      if (node.tag !== '!reset' && node.tag !== '!override') return
      const path = ancestors.flatMap(ancestor => {
        const key = (ancestor as { key?: unknown }).key
        return isScalar(key) ? [String(key.value)] : []
      })
      result = without(result, path) as Values
      if (node.tag === '!reset') remove(own, path)
    },
  })
  return result
}

function without(values: unknown, [key, ...rest]: readonly string[]): unknown {
  if (!isValues(values) || key === undefined || !(key in values)) return values
  const { [key]: value, ...others } = values
  return rest.length === 0 ? others : { ...others, [key]: without(value, rest) }
}

function remove(values: unknown, [key, ...rest]: readonly string[]): void {
  if (!isValues(values) || key === undefined) return
  if (rest.length === 0) delete values[key]
  else remove(values[key], rest)
}
