// A database's health check, taken apart: what it asks, over what, as whom, of which database.

import type { Service } from '../compose/service.ts'
import { parseShell } from '../shell/shell.ts'
import { shellOf } from '../startup/wrappers.ts'

export interface Probe {
  /** `pg_isready` or `psql` or a port; `nothing`: it never fails; `other`: a script that cannot be judged. */
  readonly asks: 'port' | 'pg_isready' | 'query' | 'nothing' | 'other'
  /** False: it goes through the socket. */
  readonly overTcp: boolean
  /** As written for the shell, variables in it; undefined where it is left out. */
  readonly user: string | undefined
  readonly database: string | undefined
  /** The words are expanded by a shell. */
  readonly hasShell: boolean
}

/** Whether a health check is well whatever becomes of its command: `exit 0`, `curl localhost || true`. */
export function neverFails(test: readonly string[]): boolean {
  const text = shellOf(test.slice(1))?.script ?? textOf(test)
  const commands = parseShell(text).map(({ words, operator }) => ({ text: words.join(' '), operator }))
  const isYes = (command: string) => /^(true|:|exit 0|echo\b.*|printf\b.*)$/.test(command)
  if (commands.length === 0 || !isYes(commands.at(-1)!.text)) return false
  if (commands.some(one => /^(false|exit [^0].*)$/.test(one.text))) return false
  return commands.slice(0, -1).every(one => isYes(one.text)) || /^(\|\||;|&)$/.test(commands.at(-2)!.operator)
}

/** CMD-SHELL hands its first text to the shell; what stands behind it is no part of the command. */
function textOf(test: readonly string[]): string {
  return test.length === 2 || test[0] !== 'CMD' ? (test[1] ?? '') : test.slice(1).map(quoted).join(' ')
}

/** Reads the words of a health check's test. */
export function readProbe(test: readonly string[], environment: Service['environment']): Probe {
  const hasShell = test[0] !== 'CMD' || /^(.*\/)?(sh|bash)$/.test(test[1] ?? '')
  const commands = commandsOf(textOf(test))
  const queries = commands.filter(([name]) => name === 'psql')
  const ready = commands.filter(([name]) => name === 'pg_isready')
  const probes = [...queries, ...ready]
  const option = (short: string, long: string, variable: string) => {
    for (const words of probes) {
      const value = optionOf(words, short, long)
      if (value !== undefined) return value
    }
    const assigned = commands.flat().find(word => word.startsWith(`${variable}=`))
    return assigned?.slice(variable.length + 1) ?? environment[variable]
  }
  const url = probes.flat().find(word => /^postgres(ql)?:\/\/|\bhost=/.test(word))
  const inUrl =
    url === undefined ? undefined : /^postgres(?:ql)?:\/\/(?:([^:@/]*)[^@/]*@)?([^/:?]*)[^/]*\/?([^?]*)/.exec(url)
  const host = option('h', 'host', 'PGHOST') ?? inUrl?.[2] ?? /host=(\S+)/.exec(url ?? '')?.[1]
  const isPort = commands.some(
    words => /^nc$|^ncat$/.test(words[0] ?? '') || words.some(word => word.includes('/dev/tcp/')),
  )
  const asks = queries.length > 0 ? 'query' : ready.length > 0 ? 'pg_isready' : isPort ? 'port' : 'other'
  return {
    asks: neverFails(test) ? 'nothing' : asks,
    overTcp: (host !== undefined && host !== '' && !host.startsWith('/')) || (isPort && probes.length === 0),
    user: option('U', 'username', 'PGUSER') ?? (inUrl?.[1] || undefined),
    database: option('d', 'dbname', 'PGDATABASE') ?? (inUrl?.[3] || undefined) ?? positional(queries[0]),
    hasShell,
  }
}

function quoted(word: string): string {
  return /[\s"';&|<>()]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word === '' ? "''" : word
}

/** The commands of a shell text, those in `sh -c` and in `$(...)` among them. */
function commandsOf(text: string, depth = 0): string[][] {
  if (depth > 3) return []
  return parseShell(text).flatMap(({ words }) => {
    const start = words.findIndex(
      word => !/^\w+=/.test(word) && !/^(exec|su|gosu|sudo|timeout|postgres|-|\d+s?)$/.test(word),
    )
    const own = words.slice(Math.max(0, start))
    const inner = words.flatMap(word =>
      [...word.matchAll(/\$\(([\s\S]*)\)/g)].flatMap(([, part]) => commandsOf(part!, depth + 1)),
    )
    const at = own.findIndex(word => /^-\w*c$/.test(word))
    const isShell = /^(.*\/)?(sh|bash|ash)$/.test(own[0] ?? '') || words[0] === 'su'
    if (isShell && at >= 0) return [...inner, ...commandsOf(own[at + 1] ?? '', depth + 1)]
    const name = own[0]?.split('/').at(-1) ?? ''
    // what is assigned before the command is kept behind it
    return [[name, ...own.slice(1), ...words.slice(0, Math.max(0, start)).filter(word => /^\w+=/.test(word))], ...inner]
  })
}

function optionOf(words: readonly string[], short: string, long: string): string | undefined {
  for (const [i, word] of words.entries()) {
    if (i === 0) continue
    if (word === `-${short}` || word === `--${long}`) return words[i + 1] ?? ''
    if (word.startsWith(`--${long}=`)) return word.slice(long.length + 3)
    if (word.startsWith(`-${short}`) && !word.startsWith('--')) return word.slice(2)
  }
  return undefined
}

/** `psql NAME` names a database, too. */
function positional(words: readonly string[] | undefined): string | undefined {
  if (!words) return undefined
  const takesValue = /^-(h|p|U|d|c|f|v|F|R|o|L|P|T)$|^--(host|port|username|dbname|command|file|variable)$/
  for (let i = 1; i < words.length; i++) {
    if (words[i]!.startsWith('-')) {
      if (takesValue.test(words[i]!) || /^-\w*c$/.test(words[i]!)) i += 1
    } else return words[i]
  }
  return undefined
}

/** The user and the database that the server is made with; `undefined` where an env file that is not here may say. */
export function madeWith({ environment, missingEnvFiles }: Service): {
  user: string | undefined
  database: string | undefined
} {
  // nor what stands in a file of its own
  const isKnown =
    missingEnvFiles.length === 0 &&
    !/^POSTGRES(QL)?_(USER|USERNAME|DB|DATABASE)_FILE$/m.test(Object.keys(environment).join('\n'))
  const user = environment.POSTGRES_USER ?? environment.POSTGRESQL_USERNAME ?? (isKnown ? 'postgres' : undefined)
  const database = environment.POSTGRES_DB ?? environment.POSTGRESQL_DATABASE ?? (isKnown ? user : undefined)
  return { user, database }
}
