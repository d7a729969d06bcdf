// What starts another command: a shell, an entrypoint of a base image, a program that waits before it.

import { hereDocument } from '../shell/tokens.ts'
import { type Line, slice } from './line.ts'

interface ShellScript {
  /** Empty where there is none yet. */
  readonly script: string
  readonly stopsOnError: boolean
  readonly shell: Shell
}

/** The words that start a shell, without what says that it reads a script: `bash -l`. */
export type Shell = readonly string[]

/** The script of `sh -c SCRIPT`. */
export function shellOf(words: readonly string[]): ShellScript | undefined {
  const [program = ''] = words
  if (!/^(.*\/)?(sh|bash|ash|dash|zsh)$/.test(program)) return undefined
  const read = words.indexOf(hereDocument)
  if (read > 0 && words.slice(1, read).every(word => /^[-+]/.test(word)))
    return { script: words[read + 1] ?? '', stopsOnError: isErrexitShell(words), shell: [program] }
  const at = words.findIndex((word, i) => i > 0 && /^-[a-z]*c[a-z]*$/.test(word))
  const flags = words.slice(1, at + 1)
  if (at < 0 || words.slice(1, at).some(word => !/^[-+]|^pipefail$|^errexit$/.test(word))) return undefined
  const has = (letter: string, name: string) =>
    flags.some(flag => flag === name || new RegExp(`^-[a-z]*${letter}`).test(flag))
  const [script = ''] = words.slice(at + 1)
  return {
    script: script !== '' && flags.includes('pipefail') ? `set -o pipefail; ${script}` : script,
    stopsOnError: has('e', 'errexit'),
    // a login shell has the PATH of its profile
    shell: has('l', '--login') ? [program, '-l'] : [program],
  }
}

/** What reads a script: the shell that it is given to, or that of its first line. */
export function shellOfScript([program = '']: readonly string[], text: string): Shell {
  if (/^(.*\/)?(sh|bash|ash|dash|zsh)$/.test(program)) return [program]
  const [, named = 'sh'] = /^#!.*?((?:\/\S*\/)?(?:ba|z|da|a)?sh)\b/.exec(text) ?? []
  return [named]
}

/** The shell in which the commands of all of these can be run: bash reads what sh does, and not the other way round. */
export function shellFor(shells: readonly (Shell | undefined)[]): Shell {
  return shells.find(shell => shell && (shell.length > 1 || !/^(.*\/)?(sh|ash|dash)$/.test(shell[0]!))) ?? ['sh']
}

/** A shell that is told to end at the first command that fails: `sh -e`, `bash -eux`. */
export function isErrexitShell(words: readonly string[]): boolean {
  return /^(.*\/)?(sh|bash|ash)$/.test(words[0] ?? '') && /^-[a-z]*e/.test(words[1] ?? '')
}

/** Entrypoints of base images that run what they are given. */
export function isPassThrough(words: readonly string[]): boolean {
  return /^(.*\/)?(tini|dumb-init|docker-entrypoint\.sh|docker-php-entrypoint|entrypoint\.sh|docker-entrypoint|entrypoint|init|env|catatonit|s6-svscan|launcher|python-entrypoint\.sh)$/.test(
    words[0] ?? '',
  )
}

/** What starts another command: taken off, and what it waits for kept. */
export function unwrapped(line: Line): { wait: Line | undefined; lead: readonly string[]; rest: Line } {
  let at = 0
  let wait: Line | undefined
  let leadAt = 0
  const result = (end: number) => {
    const lead = slice(line, leadAt, end)
    return { wait, lead: lead.sources.filter((_, i) => lead.words[i] !== 'exec'), rest: slice(line, end) }
  }
  for (;;) {
    const words = line.words.slice(at)
    const first = words[0]?.split('/').at(-1) ?? ''
    const dashes = words.indexOf('--')
    const own = /^\w+=/.test(first) ? 1 : starterWords(first, words)
    if (own > 0 && own < words.length) at += own
    else if (/^(tini|dumb-init|catatonit)$/.test(first)) {
      const program = words.findIndex((word, i) => i > 0 && !word.startsWith('-'))
      // alone, it starts the command that comes behind it
      at += dashes >= 0 ? dashes + 1 : program > 0 ? program : words.length
    } else if (
      /^(doppler|infisical|dotenvx|dotenv|op|chamber|with-contenv|opentelemetry-instrument|ddtrace-run)$/.test(first)
    ) {
      if (dashes < 0) return result(first.includes('-') ? at + 1 : at)
      at += dashes + 1
    } else if ((isWaitWrapper(first) || (dashes > 0 && /wait/.test(first))) && wait === undefined) {
      const own = dashes < 0 ? waitArguments(words) : dashes
      wait = slice(line, at, at + own)
      at += dashes < 0 ? own : own + 1
      leadAt = at
    } else return result(at)
  }
}

/** What starts the command behind its own words. */
interface Starter {
  /** Options with a value of their own. */
  readonly valued?: RegExp
  /** Words before the command that are no options: `timeout 60 X`. */
  readonly operands?: number
}

const starters: Readonly<Record<string, Starter>> = {
  exec: { valued: /^-a$/ },
  time: {},
  nohup: {},
  setsid: {},
  env: { valued: /^(-[uC]|--(unset|chdir))$/ },
  sudo: { valued: /^(-[ugpCDRTh]|--(user|group))$/ },
  doas: { valued: /^-[uC]$/ },
  runuser: { valued: /^(-[ugG]|--(user|group|supp-group))$/ },
  setpriv: {
    valued: /^--([re]?uid|reuid|[re]?gid|regid|groups|inh-caps|ambient-caps|bounding-set|securebits|pdeathsig)$/,
  },
  chpst: { valued: /^-[ub/enmlrdofpt]$/ },
  gosu: { operands: 1 },
  'su-exec': { operands: 1 },
  setuidgid: { operands: 1 },
  's6-setuidgid': { operands: 1 },
  's6-envdir': { operands: 1 },
  chroot: { valued: /^--(userspec|groups)$/, operands: 1 },
  timeout: { valued: /^(-[ks]|--(kill-after|signal))$/, operands: 1 },
  nice: { valued: /^(-n|--adjustment)$/ },
  ionice: { valued: /^(-[cn]|--class|--classdata)$/ },
  stdbuf: { valued: /^(-[ioe]|--(input|output|error))$/ },
  flock: { valued: /^(-[wE]|--(timeout|wait|conflict-exit-code))$/, operands: 1 },
}

/** How many words are its own; 0: it starts nothing. */
function starterWords(first: string, words: readonly string[]): number {
  // with options, it only looks for it
  if (first === 'command') return /^-/.test(words[1] ?? '') ? 0 : 1
  if (!Object.hasOwn(starters, first) || commandIn(words) !== undefined) return 0
  const { valued, operands = 0 } = starters[first]!
  let i = 1
  while (/^-./.test(words[i] ?? '') && words[i] !== '--') i += valued?.test(words[i]!) ? 2 : 1
  return i + (words[i] === '--' ? 1 : 0) + operands
}

/** The script of `su USER -c SCRIPT`, and of others that give it to a shell. */
export function commandIn(words: readonly string[]): string | undefined {
  if (!/^(.*\/)?(su|runuser|flock)$/.test(words[0] ?? '')) return undefined
  const at = words.findIndex(word => word === '-c' || word === '--command')
  return at < 0 ? undefined : words[at + 1]
}

/** What a tool that brings the project's own programs starts: `poetry run X`, `bundle exec X`. */
export function launched(line: Line): Line {
  const [tool = '', verb = ''] = line.words
  const own = /^(npx|bunx|pnpx)$/.test(tool)
    ? 1
    : /^((poetry|uv|pipenv|pdm|hatch|rye) run|(bundle|npm|pnpm|yarn|mise) exec)$/.test(`${tool} ${verb}`)
      ? 2
      : 0
  const at = own === 0 ? 0 : line.words.findIndex((word, i) => i >= own && !word.startsWith('-'))
  return slice(line, Math.max(at, 0))
}

/** A program that waits for an address and then becomes the command behind it. */
export function isWaitWrapper(word: string): boolean {
  return /^(wait-?for-?it(\.sh)?|wait-?for(\.sh)?|wait_for_it(\.sh)?|wait_for(\.sh)?|wait-for-[\w-]+(\.sh)?|wait4x|dockerize|wait-on)$/.test(
    word,
  )
}

/** How many words are the waiting program's own: dockerize takes the command without `--`. */
function waitArguments(words: readonly string[]): number {
  if (words[0]?.split('/').at(-1) !== 'dockerize') return words.length
  let i = 1
  while (i < words.length && words[i]!.startsWith('-')) i += words[i]!.includes('=') ? 1 : 2
  return Math.min(i, words.length)
}
