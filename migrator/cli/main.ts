// The entry of the command line: from its words to a command, and to an exit code.

import { isatty } from 'node:tty'
import { didYouMean } from '../../gate/did-you-mean.ts'
import { type ExitCode, exitCodes, UsageError } from '../errors.ts'
import { asSchemagateError, Results } from '../run/result.ts'
import { redactor } from '../text/redact.ts'
import { version } from '../version.ts'
import { readCommandLine } from './command-line.ts'
import { commands, reserved, variables } from './commands/index.ts'
import { commandHelp, generalHelp } from './help.ts'
import { createLog } from './log.ts'
import { print } from './print.ts'
import { endProcess, holdExitCode, interruptible } from './process-end.ts'
import { logFailure, summariseEarlyEnd } from './run-summary.ts'
import type { Syntax } from './syntax.ts'
import { widthOf } from './terminal.ts'
import { writeAtOnce } from './write-at-once.ts'

async function main(argv: readonly string[]): Promise<ExitCode> {
  const [name, ...args] = argv
  if (name === '--version' || name === '-v') {
    print(version)
    return exitCodes.done
  }
  const [about, ...more] = args
  if (name === 'help' && about !== undefined) return main([about, '--help', ...more])
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(generalHelp(commands, helpWidth()))
    return name === undefined ? exitCodes.usage : exitCodes.done
  }
  const command = commands.find(c => c.name === name)
  const ownArgs = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (command && (ownArgs.includes('--help') || ownArgs.includes('-h'))) {
    print(commandHelp(command, helpWidth()))
    return exitCodes.done
  }

  const fd = command?.logsToStdout ? 1 : 2
  const isTerminal = isatty(fd)
  const commandLine = readCommandLine(command ?? { ...unknown, name }, args, process.env, variables)
  const { level, format = isTerminal ? 'pretty' : 'json' } = commandLine.log
  const redact = redactor(commandLine.secrets)
  const log = await createLog({ level, format, fd, redact })
  const interruption = interruptible(command?.commits === true, text => void writeAtOnce(2, redact(text)))
  const results = new Results()
  const fail = (thrown: unknown): ExitCode => {
    const error = asSchemagateError(thrown, interruption.signal)
    if (error) logFailure(log, error)
    else
      log.error(
        { err: thrown },
        `This is a bug in schemagate: ${thrown instanceof Error ? thrown.message : thrown}. Please report it.`,
      )
    const exitCode = error?.exitCode ?? exitCodes.bug
    if (command?.name === 'up' || command?.name === 'down') summariseEarlyEnd(log, results, error, exitCode)
    return exitCode
  }
  const exit = holdExitCode(fail)
  let exitCode: ExitCode = exitCodes.bug
  try {
    if (!command) throw unknownCommand(name)
    if (!command.database) requireFolder()
    const parsed = commandLine.parsed()
    for (const note of parsed.settings.target.notes ?? []) log.info({ event: 'setting' }, note)
    const { progressDisplay } = log
    const engine = { settings: parsed.settings, log, signal: interruption.signal, redact, progressDisplay, results }
    exitCode = await command.run({ ...parsed, engine, log, signal: interruption.signal, print })
  } catch (thrown) {
    exitCode = fail(thrown)
  } finally {
    exit.settle(exitCode)
    interruption.end()
  }
  return exitCode
}

/** @throws UsageError where this folder was removed: what works with files finds none, and Node never ends making a folder in it. */
function requireFolder(): void {
  try {
    process.cwd()
  } catch {
    throw new UsageError('The current folder is gone: it was removed or replaced. Change into one that is there.')
  }
}

/** A terminal's; what is read by a program, or by a pager, stays a line an entry. */
function helpWidth(): number | undefined {
  return process.stdout.isTTY ? widthOf(process.stdout) : undefined
}

/** For a command line whose command is unknown: only how to log is read. */
const unknown: Omit<Syntax, 'name'> = { options: {}, positionals: { names: [], required: 0 }, database: false }

function unknownCommand(name: string): UsageError {
  if (reserved.has(name)) return new UsageError(`\`${name}\` is reserved for a later version.`)
  // its value may be a secret
  if (name.startsWith('-'))
    return new UsageError(
      `${JSON.stringify(name.split('=', 1)[0])} is no command. The command comes first, and its options follow: schemagate COMMAND --option\nSee: schemagate --help`,
    )
  const names = commands.map(command => command.name)
  return new UsageError(`Unknown command ${JSON.stringify(name)}.${didYouMean(name, names)}\nSee: schemagate --help`)
}

// for an end that main does not come to
process.exitCode = exitCodes.bug
// no top-level await: the bundle is CommonJS, which Node loads faster
void main(process.argv.slice(2)).then(exitCode => {
  process.exitCode = exitCode
  // after an interruption, timers and connections of a code migration are not waited for
  if (exitCode === exitCodes.sigint || exitCode === exitCodes.sigterm) process.exit()
  endProcess()
})
