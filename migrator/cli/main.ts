#!/usr/bin/env node

// The one entry: argv to command to exit code.

import { didYouMean } from '../../gate/did-you-mean.ts'
import { type ExitCode, exitCodes, InterruptedError, ProcessEndedError, UsageError } from '../errors.ts'
import { asSchemagateError } from '../run/result.ts'
import { redactor } from '../text/redact.ts'
import { version } from '../version.ts'
import { readCommandLine, type Syntax } from './command-line.ts'
import { commands, reserved, variables } from './commands/index.ts'
import { commandHelp, generalHelp } from './help.ts'
import { createLog } from './log.ts'
import { logFailure } from './run-summary.ts'

/** Everything must be released soon after the code is set; a process that lingers has a leak, which this names. */
const exitGrace = 5_000

async function main(argv: readonly string[]): Promise<ExitCode> {
  const [name, ...args] = argv
  const print = (text: string) => void process.stdout.write(`${text}\n`)
  if (name === '--version' || name === '-v') {
    print(version)
    return exitCodes.done
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const named = name === 'help' ? commands.find(command => command.name === args[0]) : undefined
    print(named ? commandHelp(named) : generalHelp(commands))
    return name === undefined ? exitCodes.usage : exitCodes.done
  }
  const command = commands.find(c => c.name === name)
  const ownArgs = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (command && (ownArgs.includes('--help') || ownArgs.includes('-h'))) {
    print(commandHelp(command))
    return exitCodes.done
  }

  const fd = command?.logsToStdout ? 1 : 2
  const isTerminal = (fd === 1 ? process.stdout : process.stderr).isTTY === true
  const commandLine = readCommandLine(command ?? { ...unknown, name }, args, process.env, variables)
  const { level, format = isTerminal ? 'pretty' : 'json' } = commandLine.log
  const redact = redactor(commandLine.secrets)
  const log = await createLog({ level, format, fd, redact })
  const interruption = interruptible()
  const fail = (thrown: unknown): ExitCode => {
    const error = asSchemagateError(thrown, interruption.signal)
    if (error) logFailure(log, error)
    else
      log.error(
        { err: thrown },
        `a bug in schemagate: ${thrown instanceof Error ? thrown.message : thrown}. Please report it.`,
      )
    const exitCode = error?.exitCode ?? exitCodes.bug
    // a run that did not come as far as having a result ends with its line all the same
    if (command?.name === 'up' || command?.name === 'down') {
      const outcome = error instanceof InterruptedError ? 'interrupted' : 'failed'
      log.info({ event: 'run', outcome, applied: 0, exitCode }, `${outcome} (exit code ${exitCode})`)
    }
    return exitCode
  }
  const early = reportEarlyEnd(fail)
  try {
    if (!command) throw unknownCommand(name)
    const parsed = commandLine.parsed()
    for (const note of parsed.settings.target.notes ?? []) log.info({ event: 'setting' }, note)
    const engine = { settings: parsed.settings, log, signal: interruption.signal, redact }
    return await command.run({ ...parsed, engine, log, signal: interruption.signal, print })
  } catch (thrown) {
    return fail(thrown)
  } finally {
    early.end()
    interruption.end()
  }
}

/** What is read of a command line whose command is not known: how to log. */
const unknown: Omit<Syntax, 'name'> = { options: {}, positionals: { names: [], required: 0 }, database: false }

function unknownCommand(name: string): UsageError {
  if (reserved.has(name)) return new UsageError(`\`${name}\` is reserved for a later version.`)
  const names = commands.map(command => command.name)
  return new UsageError(`Unknown command ${JSON.stringify(name)}.${didYouMean(name, names)}\nSee: schemagate --help`)
}

/** The first signal stops the work in an orderly way, a second one at once; so does an error that nothing caught. */
function interruptible(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const stop = (reason: InterruptedError | ProcessEndedError) => {
    if (controller.signal.aborted) process.exit(reason.exitCode)
    controller.abort(reason)
  }
  const onSignal = (name: NodeJS.Signals) => stop(new InterruptedError(name === 'SIGINT' ? 'SIGINT' : 'SIGTERM'))
  const onUncaught = (thrown: unknown) => stop(uncaught(thrown))
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('uncaughtException', onUncaught)
  return {
    signal: controller.signal,
    end() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      process.off('uncaughtException', onUncaught)
    },
  }
}

/** Timers and promises that a code migration does not wait for are what such an error can come from. */
function uncaught(thrown: unknown): ProcessEndedError {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return new ProcessEndedError(
    `An error that nothing caught ended the run; what was under way was rolled back. If it comes from a code migration, have its \`up\` await the work that failed; else please report it.\n${text}`,
    { cause: thrown },
  )
}

/** The process can end before the work does: by process.exit(), or because nothing is left that could go on. */
function reportEarlyEnd(fail: (thrown: unknown) => ExitCode): { end(): void } {
  const onExit = () => {
    process.exitCode = fail(
      new ProcessEndedError(
        'The process was ended before its work was done, and what was under way is rolled back. A code migration must neither call process.exit() nor await what never comes: correct it and run it again.',
      ),
    )
  }
  process.on('exit', onExit)
  return { end: () => void process.off('exit', onExit) }
}

// no top-level await: the bundle is CommonJS, which Node loads faster
void main(process.argv.slice(2)).then(exitCode => {
  process.exitCode = exitCode
  // who interrupts does not wait for what a code migration may have left behind
  if (exitCode === exitCodes.sigint || exitCode === exitCodes.sigterm) process.exit()
  setTimeout(() => {
    process.stderr.write(
      'schemagate: done, but something keeps the process alive; ending it. Has a code migration left a timer or a connection open? If not, please report this.\n',
    )
    process.exit()
  }, exitGrace).unref()
})
