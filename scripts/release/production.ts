// The production stack: docker-compose.yml under its overlay, as commands that end when this process does.

import { join } from 'node:path'
import { $, type ProcessOutput, type ProcessPromise } from 'zx'
import { UsageError } from '../lib/command/options.ts'
import { ofService } from '../lib/containers.ts'
import { overlays } from '../lib/overlays.ts'
import { dieWithUs } from '../lib/process/die-with-us.ts'
import { root } from '../lib/root.ts'
import { setting } from '../lib/setting.ts'

// zx ends a command that takes too long by way of a shell, and Node prints a warning about that.
process.noDeprecation = true

export interface ProductionOptions {
  readonly project: string
  /** The release: the tag of both images. */
  readonly tag: string
  /** More overlays, after ours. */
  readonly files: readonly string[]
  readonly signal: AbortSignal
}

/** The release that was asked for: from the command line, the environment, or `.env`. @throws UsageError if none was. */
export async function releaseTag(given: unknown): Promise<string> {
  const tag = String(given ?? (await setting('IMAGE_TAG')) ?? '')
  if (/^\w[\w.-]{0,127}$/.test(tag)) return tag
  throw new UsageError(
    tag === '' ? 'Which release? Name it with --tag or IMAGE_TAG.' : `--tag ${tag}: not a tag that Docker knows.`,
  )
}

/** The app's replicas, in the order in which they are replaced. */
export const replicas = ['app', 'app-2'] as const
export type Replica = (typeof replicas)[number]

export interface Service {
  readonly image: string
  readonly secrets?: readonly { readonly source: string }[]
  readonly user?: string
  readonly cap_drop?: readonly string[]
  readonly volumes?: readonly { readonly type: string; readonly source?: string }[]
}

/** What `docker compose config` makes of all files and variables. */
export interface Config {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>
}

export interface RunOptions {
  /** Show what it prints as it comes, instead of keeping it. */
  readonly visibly?: boolean
  /** Instead of the release's tag. */
  readonly tag?: string
  /** As zx takes it: `90s`. */
  readonly timeout?: `${number}s`
}

/** Docker and Compose on one project. A failure is a result, not an exception. */
export class Production {
  readonly options: ProductionOptions

  constructor(options: ProductionOptions) {
    this.options = options
  }

  /** The compose command that a person would type, for messages. */
  get command(): string {
    const files = [...overlays, ...this.options.files].map(file => `-f ${file}`)
    const project = this.options.project === 'schemagate' ? '' : ` -p ${this.options.project}`
    return `IMAGE_TAG=${this.options.tag} docker compose ${files.join(' ')}${project}`
  }

  compose(args: readonly string[], options: RunOptions = {}): Promise<ProcessOutput> {
    const files = [...overlays.map(file => join(root, file)), ...this.options.files]
    const { project } = this.options
    return this.docker(
      ['compose', '-p', project, '--project-directory', root, ...files.flatMap(f => ['-f', f]), ...args],
      options,
    )
  }

  async docker(args: readonly string[], { visibly = false, tag, timeout }: RunOptions = {}): Promise<ProcessOutput> {
    const shell = $({
      cwd: root,
      // VERSION is what images are labelled with that are built here.
      env: { VERSION: this.options.tag, ...process.env, IMAGE_TAG: tag ?? this.options.tag },
      quiet: true,
      nothrow: true,
      stdio: ['ignore', visibly ? 'inherit' : 'pipe', visibly ? 'inherit' : 'pipe'],
      ...(timeout && { timeout }),
    })
    const run: ProcessPromise = shell`docker ${args}`
    // A deploy that is killed outright must not leave a command running that the next deploy starts again.
    if (run.child) dieWithUs(run.child, 'TERM')
    const stop = () => void run.kill('SIGTERM').catch(() => {})
    this.options.signal.addEventListener('abort', stop, { once: true })
    try {
      return await run
    } finally {
      this.options.signal.removeEventListener('abort', stop)
      this.options.signal.throwIfAborted()
    }
  }

  /** A command of the release's migrator, on the stack's database. */
  migrator(args: readonly string[], options: RunOptions & { readonly mount?: string } = {}): Promise<ProcessOutput> {
    const mount = options.mount === undefined ? [] : ['--volume', options.mount]
    return this.compose(['run', '--rm', '--no-deps', '-T', ...mount, 'migrator', ...args], options)
  }

  /** A command of docker/backup.sh. */
  backup(...args: string[]): Promise<ProcessOutput> {
    return this.compose(['run', '--rm', '--no-deps', '-T', 'backup', ...args])
  }

  /** @throws Error with Compose's own words if the files or variables are wrong. */
  async config(): Promise<Config> {
    const { exitCode, stdout, stderr } = await this.compose(['--profile', '*', 'config', '--format', 'json'])
    if (exitCode !== 0) throw new Error(stderr.trim())
    // Compose writes what it could read again: each dollar sign twice.
    return JSON.parse(stdout.replaceAll('$$', () => '$'))
  }

  /** The service's container, undefined if there is none. */
  async container(service: string): Promise<Container | undefined> {
    const { project } = this.options
    const { stdout } = await this.docker(['ps', '--all', '--quiet', '--no-trunc', ...ofService(project, service)])
    const id = stdout.trim().split('\n')[0]
    if (!id) return undefined
    const inspected = await this.docker(['inspect', id])
    if (inspected.exitCode !== 0) return undefined
    const [container] = JSON.parse(inspected.stdout) as Inspected[]
    return (
      container && {
        id,
        imageId: container.Image,
        imageName: container.Config.Image,
        isRunning: container.State.Running,
      }
    )
  }

  /** @throws UsageError if the project's containers are those of development, whose database no release could reach. */
  async requireNoDevelopment(): Promise<void> {
    const { project } = this.options
    const labels = [`project=${project}`, 'oneoff=False'].flatMap(of => ['--filter', `label=com.docker.compose.${of}`])
    const files = '{{.Label "com.docker.compose.project.config_files"}}'
    const { stdout } = await this.docker(['ps', '--all', ...labels, '--format', files])
    if (
      stdout
        .split('\n')
        .filter(Boolean)
        .every(text => text.includes(overlays[1]))
    )
      return
    throw new UsageError(
      `${project} has containers of ${overlays[0]} alone, as of npm run up. Remove them, without their data: docker compose -p ${project} down. Or name another project with --project.`,
    )
  }

  /** Starts Postgres unless it runs, and waits for it. @throws Error with what it logged. */
  async startDatabase(): Promise<void> {
    const up = await this.compose(['up', '--detach', '--no-deps', '--no-recreate', '--wait', 'postgres'])
    if (up.exitCode === 0) return
    const logs = await this.compose(['logs', '--no-log-prefix', '--no-color', '--tail', '20', 'postgres'])
    const said = (logs.stdout + logs.stderr).trim().replace(/^/gm, '  | ')
    throw new Error(`Postgres did not become healthy.\n${up.stderr.trim()}\n${said}`)
  }

  /** Where the proxy answers. */
  async url(): Promise<string | undefined> {
    const { stdout, exitCode } = await this.compose(['port', 'proxy', '8080'])
    const address = stdout.trim().replace('0.0.0.0', '127.0.0.1')
    return exitCode === 0 && address !== '' && !address.endsWith(':0') ? `http://${address}` : undefined
  }
}

export interface Container {
  readonly id: string
  readonly imageId: string
  /** As the compose file named it when the container was made. */
  readonly imageName: string
  readonly isRunning: boolean
}

interface Inspected {
  readonly Image: string
  readonly Config: { readonly Image: string }
  readonly State: { readonly Running: boolean }
}
