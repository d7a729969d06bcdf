// A compose file's text as a YAML document that knows its lines, or one sentence that says why it is none.

import {
  type CollectionTag,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type ScalarTag,
  visit,
  type YAMLMap,
} from 'yaml'
import { UsageError } from '../../errors.ts'

/** One file of the stack. */
export interface ComposeDocument {
  /** As it was named on the command line, or as its `include` or `extends` names it. */
  readonly file: string
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
export function parseCompose(file: string, directory: string, text: string): ComposeDocument {
  const lines = new LineCounter()
  const yaml = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    uniqueKeys: false,
    logLevel: 'error',
    customTags: composeTags,
  })
  resolveAliases(yaml)
  if (expandedSize(yaml) > maxValues)
    throw new UsageError(`${file}: its aliases name one another until they make more than ${maxValues} values.`)
  const document: ComposeDocument = { file, directory, text, yaml, lines }
  const templated = /^[^#\n]*(\{\{|\{%)[^\n]*/m.exec(text)
  const [error] = yaml.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    if (templated)
      throw new UsageError(
        `${file}:${lineOf(text, templated.index)}: this is a template, not yet a compose file ("${templated[0].trim().slice(0, 60)}"). Render it, and give doctor what comes out.`,
      )
    throw new UsageError(`${file}:${line}:${col}: this is no YAML: ${error.message.split('\n')[0]}`)
  }
  const root = yaml.contents as Node | null
  if (!isMap(root))
    throw new UsageError(
      `${file}:1: this is no compose file: it has no \`services:\`${root === null ? ', and nothing else' : ''}.`,
    )
  if (root.has('services') || root.has('include')) return checked(document, root)
  const first = root.items[0] as { value?: unknown } | undefined
  if (root.items.some(({ value }) => isMap(value) && (value.has('image') || value.has('build')))) {
    throw new UsageError(
      `${file}:1: this is a compose file of version 1, which Compose no longer reads. Put its services below \`services:\`.`,
    )
  }
  if (root.has('apiVersion') && root.has('kind'))
    throw new UsageError(`${file}:1: this is a Kubernetes manifest, and no compose file.`)
  // a file that only adds networks, volumes or fragments is a part of a stack
  const known = new Set(['name', 'version', 'networks', 'volumes', 'configs', 'secrets'])
  const isPart = root.items.some(({ key }) => isScalar(key) && (known.has(String(key.value)) || /^x-/.test(`${key}`)))
  if (first === undefined || !isPart)
    throw new UsageError(`${file}:1: this is no compose file: it has no \`services:\`.`)
  return document
}

/** The library looks through the whole document for each alias; with thousands of them that is too slow. */
function resolveAliases(yaml: Document.Parsed): void {
  const anchors = new Map<string, Node>()
  visit(yaml, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        node.resolve = () => target as ReturnType<typeof node.resolve>
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node as Node)
    },
  })
}

/** How many values a node holds once aliases are replaced by what they name; infinite where one names what it is in. */
function expandedSize(yaml: Document.Parsed): number {
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
  return sizeOf(yaml.contents)
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

function checked(document: ComposeDocument, root: YAMLMap): ComposeDocument {
  const services = root.get('services', true) as unknown as Node | Scalar | undefined
  const resolved = services && 'resolve' in services ? undefined : services
  if (resolved === undefined || isMap(resolved) || (isScalar(resolved) && resolved.value === null)) return document
  throw new UsageError(
    `${document.file}:${document.lines.linePos(resolved.range?.[0] ?? 0).line}: \`services:\` must hold services by their names.`,
  )
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
