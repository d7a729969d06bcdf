// The example stack on Docker: the compose file, as a project that can be told from others.

import { $, type ProcessOutput } from 'zx'
import { UsageError } from '../lib/command/options.ts'
import { ofService } from '../lib/containers.ts'
import { isolatedEnvironment } from '../lib/isolated-environment.ts'
import { overlays } from '../lib/overlays.ts'
import { root } from '../lib/root.ts'

export interface DockerStackOptions {
  readonly project: string
  /** The app's port on this machine; without one, that of `.env` or of the compose file. */
  readonly port?: number | undefined
  /** Nothing of the user's `.env` and shell, and a tag of its own for the images: for the smoke test. */
  readonly isolated?: boolean
}

/**
 * `docker compose` for one project. A failure is a result, not an exception; but `up` and `down` throw a UsageError where
 * the project is a production stack.
 */
export interface DockerStack {
  /**
   * Builds, starts, waits until all are healthy; the migrator's exit code if that is what failed.
   * @throws the signal's reason when aborted: what was started then stays.
   */
  up(
    signal?: AbortSignal,
  ): Promise<
    | { readonly ok: true; readonly url: string }
    | { readonly ok: false; readonly why: string; readonly exitCode: number }
  >
  /** Removes containers and networks; the data too with `volumes`. */
  down(options: { readonly volumes: boolean }): Promise<void>
  /** Where the app answers, undefined if its container does not run. */
  url(): Promise<string | undefined>
  /** Whether there are containers of this project, running or not. */
  exists(): Promise<boolean>
  /** Whether there is data of this project, with or without containers. */
  hasData(): Promise<boolean>
  /** Shows the containers and the end of their logs. */
  logs(): Promise<void>
  /** What a command of the migrator prints, run in its image on the stack's database. */
  schemagate(...args: string[]): Promise<string>
}

/** Commands for one compose project. `isolated`: it sees neither the user's environment nor `.env`. */
export function dockerStack({ project, port, isolated = false }: DockerStackOptions): DockerStack {
  const env = {
    ...(isolated ? isolatedEnvironment('smoke') : process.env),
    ...(port === undefined ? {} : { APP_PORT: `${port}` }),
  }
  const base = ['-p', project, ...(isolated ? ['--env-file', '/dev/null'] : [])]
  const quietly = $({ cwd: root, env, quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const visibly = $({ cwd: root, env, quiet: true, nothrow: true, stdio: ['ignore', 'inherit', 'inherit'] })

  const stack: DockerStack = {
    async up(signal) {
      await requireNoProduction(quietly, project)
      const before = await lastRun(quietly, project)
      // Not --wait-timeout: some versions of Compose then start the app early.
      const up = await visibly({
        timeout: '15m',
        ...(signal && { signal }),
      })`docker compose ${base} up --detach --build --wait --remove-orphans`
      signal?.throwIfAborted()
      const url = await stack.url()
      if (up.exitCode === 0 && url) return { ok: true, url }
      const { startedAt, exitCode } = await lastRun(quietly, project)
      // A container of an earlier time says nothing about this one, as when an image could not be built.
      if (startedAt !== before.startedAt && exitCode !== undefined && exitCode !== 0) {
        await visibly`docker compose ${base} logs --no-log-prefix --no-color --tail 100 migrator`
        return {
          ok: false,
          exitCode,
          why: `The migrator ended with exit code ${exitCode}, so the app was not started.`,
        }
      }
      await stack.logs()
      return { ok: false, exitCode: 1, why: 'The stack did not come up; see above.' }
    },
    async down({ volumes }) {
      await requireNoProduction(quietly, project)
      const down = await visibly`docker compose ${base} down --remove-orphans ${volumes ? ['--volumes'] : []}`
      if (down.exitCode !== 0) throw new Error(`The Docker stack ${project} could not be taken down.`)
    },
    async url() {
      const { stdout, exitCode } = await quietly`docker compose ${base} port app 8000`
      const address = stdout.trim().replace('0.0.0.0', '127.0.0.1')
      return exitCode === 0 && address !== '' && !address.endsWith(':0') ? `http://${address}` : undefined
    },
    async exists() {
      const label = `label=com.docker.compose.project=${project}`
      return (await quietly`docker ps --all --quiet --filter ${label}`).stdout.trim() !== ''
    },
    async hasData() {
      const label = `label=com.docker.compose.project=${project}`
      return (await quietly`docker volume ls --quiet --filter ${label}`).stdout.trim() !== ''
    },
    async logs() {
      await visibly`docker compose ${base} ps --all`
      await visibly`docker compose ${base} logs --no-color --tail 50`
    },
    async schemagate(...args) {
      const run = await quietly`docker compose ${base} run --rm --no-deps -T migrator ${args}`
      if (run.exitCode !== 0)
        throw new Error(`schemagate ${args.join(' ')} failed (exit ${run.exitCode}).\n${run.stderr}`)
      return run.stdout
    },
  }
  return stack
}

type Shell = (pieces: TemplateStringsArray, ...args: unknown[]) => PromiseLike<ProcessOutput>

/**
 * `npm run deploy` has the same default project as these scripts, which would take its containers for orphans and remove
 * them, and with --volumes or --fresh its data and its backups. @throws UsageError
 */
async function requireNoProduction(quietly: Shell, project: string): Promise<void> {
  const label = 'com.docker.compose'
  const files = `{{.Label "${label}.project.config_files"}}`
  const containers = await quietly`docker ps --all --filter label=${label}.project=${project} --format ${files}`
  const backups = [`project=${project}`, 'volume=backups'].flatMap(of => ['--filter', `label=${label}.${of}`])
  const volumes = await quietly`docker volume ls --quiet ${backups}`
  if (!containers.stdout.includes(overlays[1]) && volumes.stdout.trim() === '') return
  throw new UsageError(
    `${project} is a production stack, made by npm run deploy: left as it is. Name another with --project, or use docker compose with ${overlays.join(' and ')}.`,
  )
}

/** The migrator's last run: when it began, and its exit code once it has ended. Neither, if it has not run. */
async function lastRun(
  quietly: Shell,
  project: string,
): Promise<{ readonly startedAt?: string | undefined; readonly exitCode?: number }> {
  const id = (await quietly`docker ps --all --quiet ${ofService(project, 'migrator')}`).stdout.trim().split('\n')[0]
  if (!id) return {}
  const format = '{{.State.StartedAt}} {{.State.Status}} {{.State.ExitCode}}'
  const [startedAt, status, code] = (await quietly`docker inspect --format ${format} ${id}`).stdout.trim().split(' ')
  return { startedAt, ...(status === 'exited' && { exitCode: Number(code) }) }
}
