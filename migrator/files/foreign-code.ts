// Code migrations of other tools, recognised before any of them is loaded: by what their `up` is given, and does with it.

import { canBeFollowed } from '../../gate/histories/tool-names.ts'
import { type CodeToken, scriptTokens } from '../text/code-tokens.ts'
import { tools } from './tools/index.ts'
import type { Tool } from './tools/tool.ts'

/**
 * The tool for which a module was certainly written; undefined: it may be schemagate's own. Comments and strings do not
 * count, nor does a library that only the body uses: it may build SQL with Knex.
 * @param folderTool the tool of the folder, whose API need not be where `up` is given it.
 */
export function ownerOfCode(source: string, folderTool: Tool | undefined): Tool | undefined {
  const tokens = scriptTokens(source)
  if (folderTool?.module?.test(textOf(tokens))) return folderTool
  const isOwn = tokens.some(({ text }) => text === 'up')
  const certain = isOwn ? signatures(tokens).join('\n') : textOf(tokens)
  return tools.find(({ module }) => module?.test(certain))
}

/** What `up` is given: MigrationContext. */
const contextNames: ReadonlySet<string> = new Set(['query', 'batch', 'log', 'signal', 'name'])

/**
 * What the module's `up` takes out of its parameter that schemagate does not give, as of a tool that is not known:
 * `up({ db, payload })`. Empty where that cannot be told.
 */
export function notGiven(source: string): readonly string[] {
  const tokens = scriptTokens(source)
  const at = tokens.findIndex(({ text }, i) => text === 'up' && isExported(tokens, i))
  const own = at === -1 ? undefined : head(tokens, at)
  const open = own?.findIndex(({ text }) => text === '(') ?? -1
  if (own?.[open + 1]?.text !== '{') return []
  const names: string[] = []
  let depth = 0
  for (let i = open + 1; i < own.length; i++) {
    const { kind, text } = own[i]!
    if ('{[('.includes(text) && kind === 'mark') depth++
    if ('}])'.includes(text) && kind === 'mark' && --depth === 0) break
    const isFirst = own[i - 1]!.text === '{' || own[i - 1]!.text === ','
    // one with a default can do without
    if (depth === 1 && kind === 'word' && isFirst && own[i + 1]?.text !== '=') names.push(text)
  }
  return names.filter(name => !contextNames.has(name))
}

/** `exports.up`, `export function up`, `const up`. */
function isExported(tokens: readonly CodeToken[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? ''
  return declares.has(before) || (before === '.' && tokens[at - 2]?.text === 'exports')
}

const declares: ReadonlySet<string> = new Set(['function', 'const', 'let', 'var'])

/** For a message about a module of that tool. */
export function otherApi({ title }: Tool): string {
  return `It looks like a migration for ${title}; schemagate does not provide that API. Here \`up\` is given a context with \`query(sql, values)\`. Write what it does as SQL.`
}

/** For a message about a module whose `up` takes these names. */
export function unknownApi(names: readonly string[]): string {
  return `Its \`up\` takes ${joined(names)}, as another tool gives it. Here \`up\` is given a context with \`query(sql, values)\`, and ${joined([...contextNames].slice(1))}. Write what it does as SQL.`
}

function joined(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names.join('')
}

/** The way out for those who keep that tool, behind another one; empty where its history cannot be followed. */
export function orFollow(tool: Tool): string {
  // Umzug records in Sequelize's table
  const name = tool.name === 'umzug' ? 'sequelize' : tool.name
  if (!canBeFollowed(name)) return ''
  return `. To let ${tool.title} go on migrating, and gate on its history: schemagate follow --follow ${name}`
}

/** Heads of `up` and `down`, and what they use of their parameter. */
function signatures(tokens: readonly CodeToken[]): readonly string[] {
  return tokens.flatMap(({ text }, at) => {
    const next = tokens[at + 1]?.text ?? ''
    const isCall = next === '(' && tokens[at - 1]?.text === '.'
    if ((text !== 'up' && text !== 'down') || !'(=:'.includes(next) || isCall) return []
    const own = head(tokens, at)
    return own ? [textOf(own), ...usesOf(tokens, parameterOf(own))] : []
  })
}

/** Words with which another statement begins. */
const statement = new Set(['const', 'let', 'var', 'export', 'exports', 'module', 'import', 'return', 'await'])

/** From the name to the arrow or the brace behind its parameters. Undefined: it has none. */
function head(tokens: readonly CodeToken[], at: number): readonly CodeToken[] | undefined {
  let depth = 0
  for (let i = at + 1; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!
    const isArrow = text === '=' && tokens[i + 1]?.text === '>'
    if (depth === 0 && (isArrow || text === '{')) return tokens.slice(at, i)
    if (depth === 0 && (text === ';' || (kind === 'word' && statement.has(text)))) return undefined
    if (kind === 'mark' && '([{'.includes(text)) depth++
    if (kind === 'mark' && ')]}'.includes(text)) depth--
  }
  return undefined
}

/** The first one's name; undefined if it is taken apart, or there is none. */
function parameterOf(own: readonly CodeToken[]): string | undefined {
  const open = own.findIndex(({ text }) => text === '(')
  const first = open === -1 ? own.at(-1) : own[open + 1]
  return first?.kind === 'word' ? first.text : undefined
}

function usesOf(tokens: readonly CodeToken[], name: string | undefined): readonly string[] {
  return tokens.flatMap(({ text }, at) =>
    text === name && tokens[at + 1]?.text === '.' ? [`${name}.${tokens[at + 2]?.text ?? ''}`] : [],
  )
}

/** Code without its comments, and with nothing in its strings. */
function textOf(tokens: readonly CodeToken[]): string {
  return tokens
    .map(({ kind, text }, at) => (kind === 'word' && tokens[at - 1]?.kind === 'word' ? ` ${text}` : text))
    .join('')
}
