// The commands that a command line runs: through shells, scripts, functions, wrappers and process managers.

import type { CommandLine, Service } from '../compose/service.ts'
import { holds } from '../shell/condition.ts'
import { type Compound, longestCondition, mostCommands, parseShell, type ShellCommand } from '../shell/shell.ts'
import { hereDocument } from '../shell/tokens.ts'
import { assignments } from './assignments.ts'
import { asOne, atOnce, migrates } from './at-once.ts'
import type { BuildContext } from './build-context.ts'
import { expand } from './expand.ts'
import {
  type Arguments,
  argumentsOf,
  type Line,
  readLine,
  slice,
  withArguments,
  withoutDocument,
  wordsOf,
} from './line.ts'
import { inOrder, type Managed, type ManagedCommand, managedBy, startedBy } from './process-managers.ts'
import { packageScript, scriptOf } from './scripts.ts'
import type { Step } from './step.ts'
import {
  commandIn,
  isErrexitShell,
  isPassThrough,
  launched,
  type Shell,
  shellOf,
  shellOfScript,
  unwrapped,
} from './wrappers.ts'

/** A script that calls scripts that call scripts. */
const deepest = 6

/** In characters. No command that migrates or serves says so behind them, and patterns take long for megabytes. */
const longestRead = 4_000

/** How a script is read. */
interface ReadBy {
  readonly stopsOnError: boolean
  readonly shell: Shell | undefined
  /** By the shell that calls it, which keeps what it sets. */
  readonly isSourced?: boolean
}

const noShell: ReadBy = { stopsOnError: false, shell: undefined }

/** @param words those that call it */
function script(words: readonly string[], text: string): ReadBy {
  return {
    stopsOnError: isErrexitShell(words),
    shell: shellOfScript(words, text),
    isSourced: /^(\.|source)$/.test(words[0] ?? ''),
  }
}

/** A command behind variables of its own, or behind a program that starts it; the shell's own commands cannot be. */
function behind(lead: readonly string[], step: Step): Step {
  if (lead.length === 0) return step
  const isOfShell = /^(cd|export|set|\.|source|\w+=.*)$/.test(step.words[0] ?? '')
  return { ...step, sources: [...lead, ...step.sources], isLine: step.isLine && !isOfShell }
}

const ownPrograms = 'PATH="./node_modules/.bin:$PATH"'

/** A package manager's script finds the programs of the package's dependencies, which no other shell does. */
function inPackage(step: Step): Step {
  const [program = ''] = step.words
  const isElsewhere = /^(node|npx|npm|pnpm|yarn|bunx?|cd|export|set|\.|source|\w+=.*)$|\//.test(program)
  return isElsewhere || step.sources[0] === ownPrograms ? step : behind([ownPrograms], step)
}

/** Reads the commands of one service. */
export class Reader {
  readonly #service: Service
  readonly #context: BuildContext
  #command: CommandLine | undefined
  /** What the function or script that is being read was called with. */
  #args: Arguments | undefined
  /** Variables of its scripts that hold `"$@"`. */
  readonly #holdArguments = new Set<string>()
  #commandFrom: Step['from'] = 'compose'
  #processes = 0
  /** Of the process manager whose commands are being read, those that nothing has started so far. */
  #unstarted: Map<string, ManagedCommand> | undefined
  /** Those that are being read: one that calls itself is read once. */
  readonly #scripts = new Set<string>()
  /** The bodies of the functions that its scripts have made so far, by their names. */
  readonly #functions = new Map<string, readonly ShellCommand[]>()
  /** How many commands were read, those of functions and scripts for each call. */
  #read = 0
  /** Those that its scripts have set so far, undefined where it is not known to what. */
  readonly #variables = new Map<string, string | undefined>()

  constructor(service: Service, context: BuildContext) {
    this.#service = service
    this.#context = context
  }

  /** The commands of an entrypoint, with the command that it is given. `from` says where each is written. */
  entry(
    entrypoint: CommandLine,
    command: CommandLine | undefined,
    from: Step['from'],
    commandFrom: Step['from'],
  ): Step[] {
    this.#command = command
    this.#commandFrom = commandFrom
    // tini -- X starts X, and wait-for-it HOST -- X, too
    const { wait, lead, rest } = unwrapped(readLine(entrypoint))
    const { words } = rest
    if (wait) return [this.#step(wait, from, '&&'), ...this.entry(words, command, from, commandFrom)]
    if (words.length === 0) return this.line(command, commandFrom, 0)
    const isText = typeof entrypoint === 'string' && hasOperators(entrypoint)
    // gosu USER X is that for each command of X
    if (lead.length > 0 && !isText) return this.entry(words, command, from, commandFrom).map(step => behind(lead, step))
    const shell = shellOf(words)
    // `sh -c` whose text is the command's first word: Compose takes a text apart into words
    if (shell && shell.script === '' && command !== undefined)
      return this.#shell(wordsOf(command)[0] ?? '', shell, commandFrom, 0)
    if (isText) return this.#shell(entrypoint, noShell, from, 0)
    if (shell) return this.#shell(shell.script, shell, from, 0)
    const text = scriptOf(words, this.#service, this.#context)
    if (text !== undefined) return this.#shell(text, script(words, text), 'context', 0)
    if (isPassThrough(words)) return this.#supervised(words, command) ?? this.line(command, commandFrom, 0)
    // a script that is not here, and is given a shell
    if (command !== undefined && shellOf(wordsOf(command))?.script) return this.line(command, commandFrom, 0)
    const args = readLine(command ?? [])
    const whole = { words: [...words, ...args.words], sources: [...rest.sources, ...args.sources] }
    return this.#words(whole, command === undefined ? from : commandFrom, 0)
  }

  /** s6, with the command as one of its services. */
  #supervised(words: readonly string[], command: CommandLine | undefined): Step[] | undefined {
    const managed = managedBy(words, this.#context, this.#service)
    if (!managed || command === undefined) return managed && this.#together(managed, 0)
    const own = { text: readLine(command).sources.join(' '), isScript: true, isStarted: true }
    return this.#together({ ...managed, commands: new Map([...managed.commands, ['command', own]]) }, 0)
  }

  /** The commands of a line or a list of words. @param depth how many scripts have been called on the way to it */
  line(line: CommandLine | undefined, from: Step['from'], depth: number): Step[] {
    if (line === undefined || line.length === 0) return []
    if (typeof line === 'string' && hasOperators(line) && !shellOf(wordsOf(line)))
      return this.#shell(line, noShell, from, depth)
    return this.#words(readLine(line), from, depth)
  }

  /** @param args what it is called with; without, it has those of the service's command */
  #shell(text: string, by: ReadBy, from: Step['from'], depth: number, args?: Arguments): Step[] {
    const { stopsOnError, shell, isSourced } = by
    const process = ++this.#processes
    const commands = parseShell(text, stopsOnError)
    for (const [name, body] of Map.groupBy(commands, ({ inFunction }) => inFunction))
      if (name !== undefined) this.#functions.set(name, body)
    const outer = this.#args
    this.#args = args
    const steps = this.#commands(
      commands.filter(({ inFunction }) => inFunction === undefined),
      from,
      depth,
    )
    this.#args = outer
    return steps.map(step => ({
      ...step,
      shell: step.shell ?? shell,
      processes: isSourced ? step.processes : [process, ...step.processes],
    }))
  }

  #commands(commands: readonly ShellCommand[], from: Step['from'], depth: number): Step[] {
    return commands.flatMap((command, i) => {
      if (this.#read++ > mostCommands) return []
      if (command.conditions.some(condition => holds(condition, text => this.#expand(text)) === false)) return []
      if (command.words[0] === 'shift' && this.#args)
        this.#args.line = slice(this.#args.line, Number(command.words[1] ?? 1))
      this.#assign(command, /^(&&|\|\|)$/.test(commands[i - 1]?.operator ?? ''))
      const [, variable] = /^(\w+)=(?:\$[@*]|\("?\$\{?[@*]\}?"?\))$/.exec(command.words.at(-1)!) ?? []
      if (variable !== undefined) this.#holdArguments.add(variable)
      const inner = this.#words(command, from, depth + 1)
      const call: Compound = {
        kind: 'group',
        condition: '',
        operator: command.operator,
        stopsOnError: command.stopsOnError,
        isOwnShell: inner.every(({ processes }) => processes.length > 0),
        isScript: inner.every(({ processes }) => processes.length > 0),
      }
      const isOne = inner.length === 1
      // what stands around the call counts for all that it calls
      return inner.map((step, i) => ({
        ...step,
        operator: i === inner.length - 1 ? command.operator : step.operator,
        stopsOnError: isOne ? command.stopsOnError : step.stopsOnError,
        inLoop: step.inLoop || command.inLoop,
        isTest: step.isTest || command.isTest,
        conditions: command.conditions,
        within: isOne ? command.within : [...command.within, call, ...step.within],
      }))
    })
  }

  /** Remembers what a script sets its variables to. @param mayNotRun the command before it decides */
  #assign({ words, conditions, within }: ShellCommand, mayNotRun: boolean): void {
    const isKnown = !mayNotRun && conditions.length === 0 && within.length === 0
    for (const [name, text] of assignments(words)) {
      const value = isKnown ? this.#expand(text) : undefined
      // one that is made of itself doubles with every line
      this.#variables.set(name, value !== undefined && value.length > longestCondition ? undefined : value)
    }
  }

  #words(written: Line, from: Step['from'], depth: number): Step[] {
    const line = this.#withOwnArguments(written)
    const given = line.words
    if (depth > deepest) return [this.#step(line, from)]
    if (this.#functions.has(given[0] ?? '')) return this.#call(line, from, depth)
    if (/^"?\$(@|\*|\{@\})"?$/.test(given.at(-1) ?? '') && this.#command !== undefined && given.length <= 3) {
      // what it calls is a script that is given the command
      if (scriptOf(unwrapped(line).rest.words, this.#service, this.#context) !== undefined)
        return this.#words(
          withArguments(line, { line: readLine(this.#command), isTaken: false, isRun: false }),
          from,
          depth,
        )
      const command = this.#command
      this.#command = undefined
      const steps = this.line(command, this.#commandFrom, depth + 1)
      this.#command = command
      return steps
    }
    const { wait, lead, rest } = unwrapped(line)
    const handedOn = wait && rest.words.length === 0 ? this.#handedOn(wait, from, depth) : undefined
    if (handedOn) return handedOn
    const before = wait ? [this.#step(wait, from, '&&')] : []
    return [...before, ...this.#program(rest, from, depth).map(step => behind(lead, step))]
  }

  /** `"$@"` as what a function or script was called with, also where a variable holds it. */
  #withOwnArguments({ words, sources, redirects = [] }: Line): Line {
    const isHeld = (word: string) => this.#holdArguments.has(/^\$\{?(\w+)(?:\[[@*]\])?\}?$/.exec(word)?.[1] ?? '')
    const line = {
      words: words.map(word => (isHeld(word) ? '$@' : word)),
      sources: sources.map((source, i) => (isHeld(words[i]!) ? '"$@"' : source)),
      redirects,
    }
    return this.#args ? withArguments(line, this.#args) : line
  }

  /** `wait-for-postgres.sh HOST COMMAND`: its steps, where it is seen to run what it is given. */
  #handedOn(wait: Line, from: Step['from'], depth: number): Step[] | undefined {
    const args = argumentsOf(wait)
    const steps = this.#program(wait, from, depth, args)
    return args.isRun ? steps : undefined
  }

  /** What a shell or a script runs, or the program itself. */
  #program(line: Line, from: Step['from'], depth: number, args?: Arguments): Step[] {
    if (line.words.length === 0) return []
    const started = launched(line)
    const steps = this.#started(started, from, depth, args ?? argumentsOf(started))
    const lead = line.sources.slice(0, line.sources.length - started.sources.length)
    return steps?.map(step => behind(lead, step)) ?? [this.#step(line, from)]
  }

  /** Undefined where that is one program. */
  #started(line: Line, from: Step['from'], depth: number, args: Arguments): Step[] | undefined {
    const { words } = line
    const shell = shellOf(words)
    if (shell && shell.script !== '') return this.#shell(shell.script, shell, from, depth + 1)
    const given = commandIn(words)
    const inside = given === undefined ? [] : this.#shell(given, noShell, from, depth + 1)
    // no line of its own: it would be run by another user
    if (inside.length > 1) return inside.map(step => ({ ...step, isLine: false }))
    // one inside of another is one server
    const managed = this.#unstarted ? undefined : managedBy(words, this.#context, this.#service)
    const together = managed && this.#together(managed, depth + 1)
    if (together) return together
    const sequence = inOrder(words)
    if (sequence) return this.#shell(sequence, noShell, 'context', depth + 1)
    const named = /(^|\/)supervisorctl$/.test(words[0] ?? '') ? startedBy(words, this.#unstarted) : []
    if (named.length > 0) return atOnce(named.map(command => this.#managedCommand(command, depth + 1)))
    const packaged = packageScript(line, this.#context)
    const text = scriptOf(words, this.#service, this.#context) ?? packaged
    if (text !== undefined && !this.#scripts.has(text)) {
      this.#scripts.add(text)
      const by = script(words, text)
      // without arguments of its own, a sourced one has those of its caller
      const own = by.isSourced && args.line.words.length === 0 ? this.#args : args
      const steps = this.#shell(text, by, 'context', depth + 1, own)
      this.#scripts.delete(text)
      if (steps.length > 0) return text === packaged ? steps.map(inPackage) : steps
    }
    return undefined
  }

  /** What a process manager runs, where it runs a migration: else it is one server. */
  #together(managed: Managed, depth: number): Step[] | undefined {
    const commands = [...managed.commands]
    this.#unstarted = new Map(commands.filter(([, { isStarted }]) => !isStarted))
    const all = commands.flatMap(([, one]) => (one.isStarted ? [this.#managedCommand(one, depth)] : []))
    this.#unstarted = undefined
    const before = (managed.before ?? []).flatMap(command =>
      asOne(this.#managedCommand(command, depth), command.stopsOnFailure ? '&&' : ';'),
    )
    return migrates(before) || all.some(migrates) ? [...before, ...atOnce(all, managed.endsTogether)] : undefined
  }

  #managedCommand({ text, isScript }: ManagedCommand, depth: number): Step[] {
    return isScript ? this.#shell(text, noShell, 'context', depth) : this.#words(readLine(text), 'context', depth)
  }

  #call(line: Line, from: Step['from'], depth: number): Step[] {
    const name = line.words[0]!
    const body = this.#functions.get(name)!
    const outer = this.#args
    const args = argumentsOf(line)
    // one that calls itself is read once
    this.#functions.delete(name)
    this.#args = args
    const steps = this.#commands(body, from, depth + 1)
    this.#args = outer
    // the functions among its arguments, where it takes them in a way that is not seen: `retry 5 migrate`
    const others = args.isTaken ? [] : line.words.slice(1).filter(word => this.#functions.has(word))
    for (const other of new Set(others))
      steps.push(...this.#call({ words: [other], sources: [other] }, from, depth + 1))
    this.#functions.set(name, body)
    return steps
  }

  #step(line: Line, from: Step['from'], operator: Step['operator'] = 'end'): Step {
    const { words, sources, redirects = [] } = line
    return {
      words,
      sources: [...sources, ...redirects],
      redirects,
      isLine: !words.includes(hereDocument),
      text: withoutDocument(words).join(' ').slice(0, longestRead),
      written: undefined,
      from,
      shell: undefined,
      processes: [],
      operator,
      stopsOnError: false,
      inLoop: false,
      isTest: false,
      conditions: [],
      inFunction: undefined,
      within: [],
    }
  }

  #expand(text: string): string | undefined {
    const args = this.#args?.line.words ?? wordsOf(this.#command ?? [])
    return expand(text, { args, variables: this.#variables, service: this.#service, context: this.#context })
  }
}

function hasOperators(line: string): boolean {
  return /&&|\|\||[;\n]|\s[|&](\s|$)/.test(line.trim())
}
