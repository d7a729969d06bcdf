// `npm run up`: brings up the example stack, a migrated database and a healthy app, with Docker or without.

import { UsageError } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { untilSignal } from '../lib/command/until-signal.ts'
import { isPortFree } from '../lib/free-port.ts'
import { portHolder } from '../lib/port-holder.ts'
import { dockerStack } from './docker.ts'
import { MigratorFailed, startEmbeddedStack } from './embedded.ts'
import { commandLine, defaultPort, portOption, type StackOptions, stackOptions } from './options.ts'
import { AlreadyUp, defaultState, downCommand, isDefaultState, readRunning } from './running.ts'
import { chooseWay } from './ways.ts'

const help = `
Usage: npm run up -- [options]

Brings up Postgres, runs the migrator, and starts the app if the migrator ended well: on Docker when an engine and the
images are there, else on Postgres from npm's binaries, as processes of this machine.

  --docker          only with Docker
  --embedded        only without Docker
  --fresh           start from an empty database: removes the data of earlier runs
  --port PORT       where the app answers (default: APP_PORT of the environment or .env, else 8000)
  --state FOLDER    where the embedded way keeps data and secrets (default: .schemagate)
  --project NAME    the name of the compose project (default: schemagate)
`

await report(async () => {
  const defaults = { state: defaultState, project: 'schemagate' }
  const options = stackOptions(help, { ...portOption, fresh: { type: 'boolean' } }, defaults)
  if (!options) return 0
  const running = await readRunning(options.state)
  if (running?.processes.up) throw new AlreadyUp(running.url, options.state)
  const { way, why } = await chooseWay(options.way, console.log)
  console.log(
    way === 'docker' ? `Bringing the stack up with Docker: ${why}.` : `Bringing the stack up without Docker: ${why}.`,
  )
  return way === 'docker' ? upWithDocker(options) : upEmbedded(options)
})

async function upWithDocker({ project, port, given }: StackOptions): Promise<number> {
  const stack = dockerStack({ project, port })
  // What names this stack, where it is not the usual one.
  const named = project === 'schemagate' ? '' : ` -- --project ${project}`
  if ((await stack.url()) === undefined) await requireFreePort(port ?? (await defaultPort()), given)
  if (given.fresh) await stack.down({ volumes: true })
  const signals = untilSignal()
  const result = await stack
    .up(signals.aborted)
    .catch(error => {
      if (!signals.aborted.aborted) throw error
      return { ok: false as const, why: 'Interrupted.', exitCode: signals.exitCode }
    })
    .finally(() => signals.close())
  if (!result.ok) {
    console.error(`${result.why} \`npm run down${named}\` removes what was started.`)
    return result.exitCode
  }
  tell(result.url, [
    `Its database: \`docker compose -p ${project} run --rm --no-deps migrator status\`; its logs: \`docker compose -p ${project} logs -f\`.`,
    `Stop it with \`npm run down${named}\`.`,
  ])
  return 0
}

async function upEmbedded({ state, port: asked, given }: StackOptions): Promise<number> {
  const port = asked ?? (await defaultPort())
  await requireFreePort(port, given)
  const signals = untilSignal()
  try {
    const stack = await startEmbeddedStack({
      state,
      port,
      fresh: given.fresh === true,
      say: console.log,
      appOutput: 'inherit',
      signal: signals.aborted,
    })
    tell(stack.url, [
      ...(isDefaultState(state) ? ['Its database: `npx schemagate status`.'] : []),
      `Stop it with Ctrl-C here, or with \`${downCommand(state)}\` from elsewhere.`,
    ])
    const why = await Promise.race([signals.first, stack.broken])
    console.log(`Stopping: ${why}.`)
    // A second signal must not wait for anyone.
    const insist = signals.second.then(() => stack.stop('immediate'))
    await Promise.race([stack.stop(), insist])
    console.log('The stack is down; its data is kept.')
    return signals.aborted.aborted ? 0 : 1
  } catch (error) {
    if (signals.aborted.aborted) {
      console.log('Interrupted; what was started is stopped.')
      return signals.exitCode
    }
    if (!(error instanceof MigratorFailed)) throw error
    console.error(error.message)
    return error.exitCode
  } finally {
    signals.close()
  }
}

/** @throws UsageError with the command line to type instead, which is the same but for the port. */
async function requireFreePort(port: number, given: StackOptions['given']): Promise<void> {
  if (await isPortFree(port)) return
  const holder = await portHolder(port)
  const another = { ...given, port: `${port < 60_000 ? port + 80 : port - 80}` }
  throw new UsageError(
    `Port ${port} is taken${holder ? ` by ${holder}` : ''}. Choose another: npm run up -- ${commandLine(another)}`,
  )
}

function tell(url: string, more: readonly string[]): void {
  console.log(
    ['', `The stack is up: ${url}`, `  documentation  ${url}/docs`, `  health         ${url}/health`, ...more].join(
      '\n',
    ),
  )
}
