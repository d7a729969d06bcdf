// A compose file's text as a YAML document that knows its lines, or one sentence that says why it is none.

import {
  type Alias,
  type CollectionTag,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type ScalarTag,
  visit,
  type YAMLMap,
} from 'yaml'
import { UsageError } from '../../errors.ts'

/** One file of the stack. */
export interface ComposeDocument {
  /** As it was named on the command line; one that an `include` or `extends` names is named in the same way. */
  readonly file: string
  /** Absolute; `-` for standard input. */
  readonly path: string
  /** The folder against which its relative paths count. */
  readonly directory: string
  readonly text: string
  readonly yaml: Document.Parsed
  readonly lines: LineCounter
}

/** The most values that a file may have once its aliases are replaced: an honest one of 10,000 services has fewer. */
const maxValues = 2_000_000

/** Compose's own tags, which take a value out of the files below or put it in the place of theirs. */
const composeTags = ['!reset', '!override'].flatMap((tag): (ScalarTag | CollectionTag)[] => [
  { tag, resolve: text => text },
  { tag, collection: 'map', resolve: node => node },
  { tag, collection: 'seq', resolve: node => node },
])

/**
 * Reads one file.
 * @throws UsageError with file, line and column where it is no YAML, no compose file, or of version 1.
 */
export function parseCompose(file: string, path: string, directory: string, text: string): ComposeDocument {
  const lines = new LineCounter()
  const yaml = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    uniqueKeys: false,
    logLevel: 'error',
    customTags: composeTags,
  })
  const document: ComposeDocument = { file, path, directory, text, yaml, lines }
  const [error] = yaml.errors
  if (error) {
    const templated = /^[^#\n]*?(\{\{|\{%)[^\n]*/m.exec(text)
    if (templated) {
      const [line, [, mark = '']] = [templated[0], templated]
      throw problem(
        document,
        templated.index + line.indexOf(mark),
        `this is a template, not yet a compose file ("${line.trim().slice(0, 60)}"). Render it, and give doctor what comes out.`,
      )
    }
    throw problem(document, error.pos[0], reasonOf(error))
  }
  resolveAliases(document)
  const root = yaml.contents as Node | null
  if (!isMap(root))
    throw problem(
      document,
      0,
      `this is no compose file: it has no \`services:\`${root === null ? ', and nothing else' : ''}.`,
    )
  if (root.has('services') || root.has('include')) return checked(document, root)
  const bare = root.items.find(({ value }) => isMap(value) && (value.has('image') || value.has('build')))
  if (bare) {
    throw problem(
      document,
      (bare.key as Node).range?.[0] ?? 0,
      'this is a compose file of version 1, which Compose no longer reads. Put its services below `services:`.',
    )
  }
  if (root.has('apiVersion') && root.has('kind'))
    throw problem(document, 0, 'this is a Kubernetes manifest, and no compose file.')
  // a file that only adds networks, volumes or fragments is a part of a stack
  const known = new Set(['name', 'version', 'networks', 'volumes', 'configs', 'secrets'])
  const isPart = root.items.some(({ key }) => isScalar(key) && (known.has(String(key.value)) || /^x-/.test(`${key}`)))
  if (!isPart) throw problem(document, 0, 'this is no compose file: it has no `services:`.')
  return document
}

/** An error at a place of the file. @param at the offset in its text, or the path of a value */
export function problem(
  { file, lines, yaml }: ComposeDocument,
  at: number | readonly (string | number)[],
  what: string,
): UsageError {
  const offset = typeof at === 'number' ? at : ((yaml.getIn(at, true) as Node | undefined)?.range?.[0] ?? 0)
  const { line, col } = lines.linePos(offset)
  return new UsageError(`${file}:${Math.max(1, line)}:${Math.max(1, col)}: ${what}`)
}

function reasonOf({ code, message }: { code: string; message: string }): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here. Put it into a file of its own.'
  return `this is no YAML: ${message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')}.`
}

/**
 * The library looks through the whole document for each alias; with thousands of them that is too slow.
 * @throws UsageError for an alias of nothing, a merge of what is no map, a bomb
 */
function resolveAliases(document: ComposeDocument): void {
  const { yaml } = document
  const anchors = new Map<string, Node>()
  const aliases: Alias[] = []
  visit(yaml, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        if (!target)
          throw problem(document, node.range?.[0] ?? 0, `*${node.source} names no anchor that stands before it.`)
        node.resolve = () => target as ReturnType<typeof node.resolve>
        aliases.push(node)
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node as Node)
    },
  })
  const sizeOf = expandedSizes(yaml)
  if (sizeOf(yaml.contents) > maxValues) {
    const largest = aliases.find(alias => sizeOf(alias) > maxValues)
    const what = `its aliases name one another until they make more than ${maxValues} values.`
    throw problem(document, largest?.range?.[0] ?? 0, what)
  }
  visit(yaml, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.source !== '<<' || key.type !== 'PLAIN') return
      const source = isAlias(value) ? value.resolve(yaml) : value
      const maps = isSeq(source) ? source.items.map(item => (isAlias(item) ? item.resolve(yaml) : item)) : [source]
      if (!maps.every(map => isMap(map)))
        throw problem(document, key.range?.[0] ?? 0, '`<<` merges maps, and this is none.')
    },
  })
}

/** How many values a node holds once aliases are replaced by what they name; infinite where one names what it is in. */
function expandedSizes(yaml: Document.Parsed): (node: unknown) => number {
  const sizes = new Map<unknown, number>()
  const sizeOf = (node: unknown): number => {
    if (isAlias(node)) return sizeOf(node.resolve(yaml))
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value)
    if (!isCollection(node)) return 1
    const known = sizes.get(node)
    if (known !== undefined) return known
    sizes.set(node, Number.POSITIVE_INFINITY)
    const size = node.items.reduce<number>((sum, item) => sum + sizeOf(item), 1)
    sizes.set(node, size)
    return size
  }
  return sizeOf
}

/** The document's values, with aliases and merge keys resolved, and nothing interpolated. */
export function valuesOf({ yaml, file }: ComposeDocument): Record<string, unknown> {
  try {
    // counted already, by `expandedSize`
    return yaml.toJS({ maxAliasCount: -1 }) ?? {}
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Compose takes services by name, each a map; one that is empty is filled by another file. */
function checked(document: ComposeDocument, root: YAMLMap): ComposeDocument {
  const { yaml } = document
  const resolved = (value: unknown) => (isAlias(value) ? value.resolve(yaml) : value)
  const pair = root.items.find(({ key }) => isScalar(key) && key.value === 'services')
  if (!pair) return document
  const services = resolved(pair.value)
  const startOf = (node: unknown) => (node as Node | null)?.range?.[0] ?? 0
  if (!isMap(services))
    throw problem(document, startOf(pair.value ?? pair.key), '`services:` must hold services by their names.')
  for (const { key, value } of services.items) {
    if (!isScalar(key)) throw problem(document, startOf(key), 'a service has a name, and this is none.')
    const service = resolved(value)
    const isNothing = service == null || (isScalar(service) && (service.value === null || service.tag === '!reset'))
    if (key.source !== '<<' && !isMap(service) && !isNothing)
      throw problem(
        document,
        startOf(value),
        `the service ${JSON.stringify(key.source ?? '')} must be a map, with an image or a build.`,
      )
  }
  return document
}
