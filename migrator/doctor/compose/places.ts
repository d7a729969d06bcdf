// Where a value of the stack stands: the last file that sets it, through aliases, merge keys and `extends`.

import { resolve as resolvePath } from 'node:path'
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import type { ComposeDocument } from './documents.ts'

/** A place that an editor can go to; lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A node, the file it is in, and where its key begins. */
interface Found {
  readonly document: ComposeDocument
  readonly node: Node | null
  readonly start: number
}

export type Path = readonly (string | number)[]

/** Finds the file, line and column of a value, for a finding. */
export class Places {
  readonly #documents: readonly ComposeDocument[]
  readonly #named: readonly ComposeDocument[]
  readonly #services = new WeakMap<ComposeDocument, Map<string, Pair>>()

  /**
   * @param documents the first is the lowest: what a later one sets wins
   * @param named those among them that the user has named; the others are included or extended by them
   */
  constructor(documents: readonly ComposeDocument[], named: readonly ComposeDocument[]) {
    this.#documents = documents
    this.#named = named
  }

  /** Where this path of a service stands, or the longest part of it that does; else where the service begins. */
  of(service: string, path: Path = []): Place {
    for (let length = path.length; length > 0; length--) {
      const found = this.#find(service, path.slice(0, length))
      if (found) return placeOf(found)
    }
    return this.beginnings(service)[0] ?? { file: this.#documents[0]?.file ?? '-', line: 1, column: 1 }
  }

  /** Every place where a file says something of the service: first where it is made, then where further files add to it. */
  beginnings(service: string): Place[] {
    const all = [...new Set([...this.#named, ...this.#documents])].flatMap(
      document => this.#inDocument(document, service, [], new Set()) ?? [],
    )
    const filled = all.filter(({ node }) => isMap(node))
    return (filled.length > 0 ? filled : all).map(placeOf)
  }

  /** Where a key at the top stands. */
  top(key: string): Place | undefined {
    for (const document of this.#documents) {
      const pair = pairOf(document.yaml.contents, key)
      if (pair) return placeOf({ document, node: null, start: startOf(pair) })
    }
    return undefined
  }

  /** The text as it is written, undefined where the path is not there or is no single value. */
  raw(service: string, path: Path): string | undefined {
    const node = this.#find(service, path)?.node
    return isScalar(node) ? String(node.source ?? node.value) : undefined
  }

  /** Whether the value is written without quotes. */
  isPlain(service: string, path: Path): boolean {
    const node = this.#find(service, path)?.node
    return isScalar(node) && node.type === 'PLAIN'
  }

  #find(service: string, path: Path): Found | undefined {
    const [key, at] = path
    if (key !== undefined && typeof at === 'number' && path.length === 2) return this.#item(service, key, at)
    for (const document of this.#documents.toReversed()) {
      const found = this.#inDocument(document, service, path, new Set())
      if (found) return found
    }
    return undefined
  }

  /** Compose appends a list to those of the files below: the item that is so far from the first. */
  #item(service: string, key: string | number, at: number): Found | undefined {
    let before = 0
    for (const document of this.#documents) {
      const list = this.#inDocument(document, service, [key], new Set())
      const items = isSeq(list?.node) ? list.node.items.length : 0
      if (at < before + items) return this.#inDocument(document, service, [key, at - before], new Set())
      before += items
    }
    return undefined
  }

  #inDocument(document: ComposeDocument, service: string, path: Path, seen: Set<string>): Found | undefined {
    const pair = this.#servicePair(document, service)
    if (!pair || seen.has(service)) return undefined
    let start = startOf(pair)
    let node = resolve(pair.value, document)
    for (const [i, key] of path.entries()) {
      const next = childOf(node, key, document)
      if (!next) return i === 0 ? this.#inExtended(document, node, path, seen.add(service)) : undefined
      start = next.start
      node = resolve(next.node, document)
    }
    return { document, node, start }
  }

  #inExtended(document: ComposeDocument, node: Node | null, path: Path, seen: Set<string>): Found | undefined {
    const target: unknown = isMap(node) ? node.get('extends', true) : undefined
    if (isScalar(target)) return this.#inDocument(document, String(target.value), path, seen)
    if (!isMap(target)) return undefined
    const base = String(target.get('service'))
    if (!target.has('file')) return this.#inDocument(document, base, path, seen)
    const full = resolvePath(document.directory, String(target.get('file')))
    const other = this.#documents.find(one => one.path === full)
    return other && this.#inDocument(other, base, path, new Set())
  }

  /** By name, found once for each file: a stack can have thousands. */
  #servicePair(document: ComposeDocument, service: string): Pair | undefined {
    let services = this.#services.get(document)
    if (!services) {
      const map = resolve(pairOf(document.yaml.contents, 'services')?.value, document)
      services = new Map(isMap(map) ? map.items.map(pair => [keyOf(pair), pair as Pair]) : [])
      this.#services.set(document, services)
    }
    return services.get(service)
  }
}

function childOf(node: Node | null, key: string | number, document: ComposeDocument) {
  if (isMap(node)) {
    const own = pairOf(node, String(key))
    if (own) return { node: own.value, start: startOf(own) }
    for (const { value } of node.items.filter(pair => keyOf(pair as Pair) === '<<')) {
      const merged = resolve(value, document)
      for (const one of isSeq(merged) ? merged.items : [merged]) {
        const inherited = childOf(resolve(one, document), key, document) as { node: unknown; start: number } | undefined
        if (inherited) return inherited
      }
    }
    return undefined
  }
  if (!isSeq(node)) return undefined
  // a list of names or of NAME=value lines is asked by name, too
  const item =
    typeof key === 'number'
      ? node.items[key]
      : node.items.find(one => isScalar(one) && (one.value === key || String(one.value).startsWith(`${key}=`)))
  return item === undefined ? undefined : { node: item, start: (item as Node).range?.[0] ?? 0 }
}

function resolve(value: unknown, { yaml }: ComposeDocument): Node | null {
  return isAlias(value) ? ((value.resolve(yaml) as Node | undefined) ?? null) : ((value ?? null) as Node | null)
}

function pairOf(map: unknown, key: string): Pair | undefined {
  return isMap(map) ? ((map as YAMLMap).items.findLast(pair => keyOf(pair as Pair) === key) as Pair) : undefined
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? (key.source ?? String(key.value)) : String(key)
}

function startOf({ key }: Pair): number {
  return (key as Node).range?.[0] ?? 0
}

function placeOf({ document, start }: Found): Place {
  const { line, col } = document.lines.linePos(start)
  return { file: document.file, line: Math.max(1, line), column: Math.max(1, col) }
}
