// What starts several commands at once: supervisord with its programs, honcho and its like with a Procfile, s6 with its
// services, concurrently and npm-run-all with what they are called with.

import { dirname, resolve } from 'node:path'
import type { Service } from '../compose/service.ts'
import type { BuildContext } from './build-context.ts'

export interface Managed {
  /** What ends before the others are started. */
  readonly before?: readonly PreparingCommand[]
  /** Each by its name. */
  readonly commands: ReadonlyMap<string, ManagedCommand>
  /** The end of one of them ends all. */
  readonly endsTogether: boolean
}

export interface ManagedCommand {
  readonly text: string
  /** A shell reads it. */
  readonly isScript: boolean
  /** False: it is started where another one says so, `supervisorctl start NAME`. */
  readonly isStarted: boolean
}

interface PreparingCommand extends ManagedCommand {
  /** A failure keeps the others from being started. */
  readonly stopsOnFailure: boolean
}

/** The commands that these words start, as far as the file that has them is here. */
export function managedBy(words: readonly string[], context: BuildContext, service: Service): Managed | undefined {
  const program = words[words[1] === '-m' ? 2 : 0]?.split('/').at(-1) ?? ''
  if (words[0] === '/init') return ofS6(context, service)
  if (program === 'concurrently') return { commands: concurrent(words), endsTogether: isKilledTogether(words) }
  if (program === 'run-p') {
    const goesOn = words.some(word => /^(-c|--continue-on-error)$/.test(word))
    return { commands: toCommands(scriptNames(words.slice(1)).map(runScript)), endsTogether: !goesOn }
  }
  if (program === 'supervisord') return { commands: supervised(words, context), endsTogether: false }
  if (/^(honcho|foreman|forego|overmind)$/.test(program) && words.includes('start'))
    return { commands: ofProcfile(words, context), endsTogether: true }
  return undefined
}

/** `run-s A B`, `npm-run-all A --parallel B C`: what a shell would be told. */
export function inOrder(words: readonly string[]): string | undefined {
  if (!/(^|\/)(run-s|npm-run-all2?)$/.test(words[0] ?? '')) return undefined
  const parallel = words.findIndex(word => /^(-p|--parallel)$/.test(word))
  const first = scriptNames(words.slice(1, parallel < 0 ? undefined : parallel)).map(runScript)
  const rest = parallel < 0 ? [] : [`run-p ${words.slice(parallel + 1).join(' ')}`]
  return [...first, ...rest].join(' && ')
}

/** Scripts of package.json; a pattern of several is left out. */
function scriptNames(words: readonly string[]): string[] {
  return words.filter(word => /^[\w:.-]+$/.test(word) && !word.startsWith('-'))
}

function runScript(name: string): string {
  return `npm run ${name}`
}

function toCommands(texts: readonly string[]): Map<string, ManagedCommand> {
  return new Map(texts.map((text, i) => [`${i}`, { text, isScript: true, isStarted: true }]))
}

/** https://www.npmjs.com/package/concurrently */
function concurrent(words: readonly string[]): Map<string, ManagedCommand> {
  const valued =
    /^(-[nclmpst]|--(names|prefix-colors|prefix-length|max-processes|prefix|success|timestamp-format|restart-tries|restart-after|kill-signal|kill-timeout|default-input-target))$/
  const texts = words.slice(1).filter((word, i) => !word.startsWith('-') && !valued.test(words[i]!))
  // npm:start is `npm run start`
  return toCommands(texts.map(text => text.replace(/^(npm|yarn|pnpm|bun):(?=\S)/, '$1 run ')))
}

function isKilledTogether(words: readonly string[]): boolean {
  return words.some(word => /^(-k|--kill-others(-on-fail)?)$/.test(word))
}

/**
 * Scripts first, whose failure it passes over if nobody says otherwise, then services:
 * https://github.com/just-containers/s6-overlay
 */
function ofS6(context: BuildContext, { environment }: Service): Managed {
  const read = (folder: string, names: RegExp) => context.scripts(`${folder}/*`, name => names.test(name))
  const key = 'S6_BEHAVIOUR_IF_STAGE2_FAILS'
  const stopsOnFailure = Number(environment[key] ?? context.image?.environment[key] ?? 0) > 1
  const toPreparing = (stops: boolean) => (text: string) => ({
    text,
    isScript: true,
    isStarted: true,
    stopsOnFailure: stops,
  })
  // what depends on such a one-shot is not started without it
  const ups = read('/etc/s6-overlay/s6-rc.d', /\/up$/).map(text => text.replace(/^#!.*execlineb.*$/m, ''))
  const before = [...read('/etc/cont-init.d', /./).map(toPreparing(stopsOnFailure)), ...ups.map(toPreparing(true))]
  const services = [...read('/etc/services.d', /\/run$/), ...read('/etc/s6-overlay/s6-rc.d', /\/run$/)]
  return { before, commands: toCommands(services), endsTogether: false }
}

/** Those that `supervisorctl start` names, taken out of the ones that are not started yet. */
export function startedBy(words: readonly string[], commands = new Map<string, ManagedCommand>()): ManagedCommand[] {
  const at = words.findIndex(word => word === 'start' || word === 'restart')
  const names = at < 0 ? [] : words.slice(at + 1).map(name => name.replace(/:.*$/, ''))
  const started = [...commands].filter(([name]) => names.includes('all') || names.includes(name))
  for (const [name] of started) commands.delete(name)
  return started.map(([, command]) => command)
}

/** Where the packages of Debian, Alpine and Red Hat have it look. */
const usualFiles = ['/etc/supervisord.conf', '/etc/supervisor/supervisord.conf']
const usualPatterns = ['/etc/supervisor/conf.d/*.conf', '/etc/supervisor.d/*.ini', '/etc/supervisord.d/*.ini']

function supervised(words: readonly string[], context: BuildContext): Map<string, ManagedCommand> {
  const named = optionOf(words, /^(-c|--configuration)$/)
  const file = [named ?? usualFiles].flat().find(path => context.script(path) !== undefined)
  const own = file === undefined ? undefined : context.script(file)!
  const patterns =
    own === undefined ? usualPatterns : includedBy(own).map(pattern => resolve('/', dirname(file!), pattern))
  const programs = new Map<string, ManagedCommand>()
  for (const text of [own ?? '', ...patterns.flatMap(pattern => context.scripts(pattern))]) {
    for (const [section, values] of sectionsOf(text)) {
      const [command, autostart] = [values.command?.join(' ').trim(), values.autostart?.[0]]
      const [, name] = /^program:(.+)$/.exec(section) ?? []
      if (name === undefined || command === undefined) continue
      const isStarted = !/^(false|no|off|0)$/i.test(autostart ?? '')
      const words = command.replace(/%\(ENV_(\w+)\)s/g, '$$$1').replaceAll('%%', '%')
      programs.set(name, { text: words, isScript: false, isStarted })
    }
  }
  return programs
}

function includedBy(text: string): string[] {
  return sectionsOf(text).get('include')?.files?.join(' ').trim().split(/\s+/) ?? []
}

/** An ini file as supervisord reads it: what is indented goes on, a comment begins behind a space. */
function sectionsOf(text: string): Map<string, Record<string, string[]>> {
  const sections = new Map<string, Record<string, string[]>>()
  let section: Record<string, string[]> = {}
  let lines: string[] | undefined
  for (const written of text.split(/\r?\n/)) {
    const line = written.replace(/(^|\s)[;#].*$/, '')
    const [, name] = /^\[([^\]]+)\]/.exec(line) ?? []
    const [, own, value] = /^([\w-]+)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) {
      section = {}
      sections.set(name.trim(), section)
      lines = undefined
    } else if (own !== undefined) {
      lines = [value!.trim()]
      section[own] = lines
    } else if (/^\s+\S/.test(line)) lines?.push(line.trim())
  }
  return sections
}

function ofProcfile(words: readonly string[], context: BuildContext): Map<string, ManagedCommand> {
  const file = optionOf(words, /^(-f|--procfile)$/) ?? 'Procfile'
  const names = words.slice(words.indexOf('start') + 1).filter(word => /^[a-z][\w-]*$/.test(word) && word !== file)
  const commands = new Map<string, ManagedCommand>()
  for (const line of (context.script(file) ?? '').split(/\r?\n/)) {
    const [, name, text] = /^([\w-]+):\s*(.+)$/.exec(line) ?? []
    if (name !== undefined && (names.length === 0 || names.includes(name)))
      commands.set(name, { text: text!, isScript: true, isStarted: true })
  }
  return commands
}

/** `-c FILE`, `--configuration=FILE`. */
function optionOf(words: readonly string[], option: RegExp): string | undefined {
  const at = words.findIndex(word => option.test(word.split('=')[0]!))
  if (at < 0) return undefined
  const equals = words[at]!.indexOf('=')
  return equals < 0 ? words[at + 1] : words[at]!.slice(equals + 1)
}
