// One command as its words, each also as a shell would have to read it.

import { shellWord } from '../../text/shell-word.ts'
import type { CommandLine } from '../compose/service.ts'
import type { ShellCommand } from '../shell/shell.ts'
import { hereDocument, tokenize } from '../shell/tokens.ts'

/** Words, and the same as a shell would have to read them. */
export interface Line extends Pick<ShellCommand, 'words' | 'sources'> {
  readonly redirects?: readonly string[]
}

/** Takes a command apart as a shell does, or as it is where it is a list already. Redirections are left out. */
export function readLine(line: CommandLine): Line {
  if (typeof line !== 'string') return { words: line, sources: line.map(shellWord) }
  const tokens = tokenize(line).filter(({ kind }) => kind !== 'redirect')
  return { words: tokens.map(({ text }) => text), sources: tokens.map(({ source }) => source) }
}

/** Its words alone. */
export function wordsOf(line: CommandLine): readonly string[] {
  return readLine(line).words
}

export interface Arguments {
  line: Line
  /** Something was put in the place of its `"$@"`. */
  isTaken: boolean
  /** They were a command of their own: `exec "$@"`. */
  isRun: boolean
}

/** What a line calls its program or its script with. */
export function argumentsOf(line: Line): Arguments {
  const isShell = /^(.*\/)?(sh|bash|ash|dash|zsh|source|\.)$/.test(line.words[0] ?? '')
  const at = isShell ? line.words.findIndex((word, i) => i > 0 && !word.startsWith('-')) : 0
  return { line: slice(line, at + 1), isTaken: false, isRun: false }
}

/** `"$@"`, `$2` and the like as what they stand for. */
export function withArguments({ words, sources, redirects = [] }: Line, args: Arguments): Line {
  const all = words.map((word, i): Line => {
    const [, which, from = '1'] = /^\$(?:([@*1-9])|\{([@*1-9])(?::(\d+))?\})$/.exec(word)?.filter(Boolean) ?? []
    if (which === undefined) return { words: [word], sources: [sources[i]!] }
    args.isTaken = true
    args.isRun ||= words.slice(0, i).every(before => before === 'exec') && isProgram(args.line.words[0] ?? '')
    const at = Number(which)
    return Number.isNaN(at) ? slice(args.line, Number(from) - 1) : slice(args.line, at - 1, at)
  })
  return { words: all.flatMap(one => one.words), sources: all.flatMap(one => one.sources), redirects }
}

/** Neither an address, an option nor a number. */
function isProgram(word: string): boolean {
  return !/^-|^[\w.-]*:\d|^\d*$/.test(word)
}

/** What a command is given to read is no word of it. */
export function withoutDocument(words: readonly string[]): readonly string[] {
  const at = words.indexOf(hereDocument)
  return at < 0 ? words : [...words.slice(0, at), ...withoutDocument(words.slice(at + 2))]
}

/** The part from one word up to, and without, another; the redirections stay. */
export function slice({ words, sources, redirects = [] }: Line, from: number, to?: number): Line {
  return { words: words.slice(from, to), sources: sources.slice(from, to), redirects }
}
