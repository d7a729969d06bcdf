// What a Dockerfile's image starts with: entrypoint, command and health check of the stage that is built.

import { tokenize } from '../shell/tokens.ts'

export interface DockerImage {
  /** The image that the stage is made from at the bottom; undefined for `scratch`. */
  readonly base: string | undefined
  /** Words; the shell form has `sh -c` put before it, as Docker does. */
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  readonly hasHealthcheck: boolean
  readonly copies: readonly Copy[]
  readonly environment: Readonly<Record<string, string>>
}

/** What COPY or ADD brings into an image. */
export interface Copy {
  /** In the context. */
  readonly from: string
  readonly to: string
  /** Of a here-document, which is in no file. */
  readonly text?: string
}

interface Stage {
  readonly name: string
  readonly from: string
  entrypoint?: readonly string[]
  cmd?: readonly string[]
  hasHealthcheck?: boolean
  copies: Copy[]
  environment: Record<string, string>
}

/** Reads it; @param target the stage that is built, by default the last. */
export function parseDockerfile(text: string, target?: string): DockerImage {
  const stages: Stage[] = []
  const defaults: Record<string, string> = {}
  for (const [keyword, rest, document] of instructions(text)) {
    const stage = stages.at(-1)
    switch (keyword) {
      case 'ARG': {
        const [, name, value] = /^(\w+)=["']?([^"'\s]*)/.exec(rest) ?? []
        if (name !== undefined && !stage) defaults[name] = value!
        break
      }
      case 'FROM': {
        const [, from = '', name = ''] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(rest) ?? []
        const image = from.replace(/\$\{?(\w+)(?::-([^}]*))?\}?/g, (all, name, or) => defaults[name] ?? or ?? all)
        stages.push({ name: name.toLowerCase(), from: image, copies: [], environment: {} })
        break
      }
      case 'ENTRYPOINT':
        if (stage) stage.entrypoint = wordsOf(rest)
        break
      case 'CMD':
        if (stage) stage.cmd = wordsOf(rest)
        break
      case 'HEALTHCHECK':
        if (stage) stage.hasHealthcheck = !/^NONE\b/i.test(rest)
        break
      case 'ENV':
        for (const [, name, value] of rest.matchAll(/(\w+)[=\s]["']?([^"'\s]*)/g))
          if (stage) stage.environment[name!] = value!
        break
      case 'COPY':
      case 'ADD': {
        if (/--from=/.test(rest) || !stage) break
        const paths = (rest.startsWith('[') ? wordsOf(rest) : rest.split(/\s+/)).filter(word => !word.startsWith('--'))
        for (const from of paths.slice(0, -1))
          stage.copies.push({ from, to: paths.at(-1)!, ...(from.startsWith('<<') && { text: document }) })
      }
    }
  }
  return built(stages, target)
}

function built(stages: readonly Stage[], target: string | undefined): DockerImage {
  const chain: Stage[] = []
  let stage = stages.find(({ name }) => name === target?.toLowerCase()) ?? stages.at(-1)
  while (stage && !chain.includes(stage)) {
    chain.push(stage)
    const from = stage.from.toLowerCase()
    stage = stages.find(({ name }) => name === from)
  }
  const bottom = chain.at(-1)?.from
  const first = <K extends keyof Stage>(key: K) => chain.find(one => one[key] !== undefined)?.[key]
  // an entrypoint that is set over a base image's resets the command that the base has
  const entryAt = chain.findIndex(one => one.entrypoint !== undefined)
  const cmdAt = chain.findIndex(one => one.cmd !== undefined)
  return {
    base: bottom === 'scratch' ? undefined : bottom,
    entrypoint: first('entrypoint'),
    cmd: entryAt >= 0 && cmdAt > entryAt ? undefined : first('cmd'),
    hasHealthcheck: first('hasHealthcheck') ?? false,
    copies: chain.flatMap(one => one.copies),
    environment: Object.assign({}, ...chain.toReversed().map(one => one.environment)),
  }
}

/** Keyword, rest and here-document of each instruction; lines that go on are joined, comments left out. */
function* instructions(text: string): Generator<[keyword: string, rest: string, document: string]> {
  let whole = ''
  let open: { readonly keyword: string; readonly rest: string; readonly delimiter: string } | undefined
  let document = ''
  for (const line of text.split(/\r?\n/)) {
    if (open !== undefined) {
      if (line.trim() === open.delimiter) {
        yield [open.keyword, open.rest, document]
        open = undefined
      } else document += `${line}\n`
      continue
    }
    if (/^\s*#/.test(line) || (line.trim() === '' && whole !== '')) continue
    whole += whole === '' ? line.trim() : ` ${line.trim()}`
    if (whole.endsWith('\\')) {
      whole = whole.slice(0, -1).trimEnd()
      continue
    }
    const [, name, rest] = /^(\w+)\s+([\s\S]*)$/.exec(whole) ?? []
    whole = ''
    if (name === undefined || rest === undefined) continue
    const keyword = name.toUpperCase()
    const delimiter = /<<-?["']?(\w+)["']?/.exec(rest)?.[1]
    document = ''
    if (delimiter === undefined) yield [keyword, rest, document]
    else open = { keyword, rest, delimiter }
  }
  if (open) yield [open.keyword, open.rest, document]
}

function wordsOf(rest: string): string[] {
  if (rest.startsWith('[')) {
    try {
      const words: unknown = JSON.parse(rest)
      if (Array.isArray(words)) return words.map(String)
    } catch {
      return tokenize(rest.replace(/^\[|\]$/g, '').replaceAll(',', ' ')).map(({ text }) => text)
    }
  }
  return ['sh', '-c', rest]
}
