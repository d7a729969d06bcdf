// A service of a compose file in one form, whichever of Compose's forms it is written in.

import { type Image, parseImage } from './image.ts'
import { asList, asMap, isValues, namesToMap } from './merge.ts'

export type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully' | (string & {})

export interface Dependency {
  readonly condition: Condition
  /** False: Compose goes on where the other is not there or has failed. */
  readonly required: boolean
  readonly restart: boolean
}

export interface Mount {
  /** A folder or file of the host, a volume's name, or empty for one without a name. */
  readonly source: string
  readonly target: string
  readonly type: 'bind' | 'volume' | 'tmpfs' | (string & {})
  /** What is in it, where a compose file or a Dockerfile has that itself. */
  readonly text?: string
}

/** A command as it is written: one text that a shell would split, or words. */
export type CommandLine = string | readonly string[]

export interface HealthCheck {
  /** Compose's words, `CMD` or `CMD-SHELL` first; empty where the image's own check is kept. */
  readonly test: readonly string[]
  /** Seconds; undefined where the file does not say. */
  readonly interval: number | undefined
  readonly startPeriod: number | undefined
  readonly startInterval: number | undefined
  readonly retries: number | undefined
}

export interface Build {
  readonly context: string
  readonly dockerfile: string | undefined
  readonly inline: string | undefined
  readonly target: string | undefined
}

/** A command that Compose runs by itself around a service's start. */
export interface Hook {
  /** Undefined: that of its image. */
  readonly command: CommandLine | undefined
  /** Undefined: that of the service. */
  readonly image: Image | undefined
  readonly environment: Readonly<Record<string, string>>
}

export interface Service {
  readonly name: string
  readonly image: Image | undefined
  readonly build: Build | undefined
  readonly command: CommandLine | undefined
  readonly entrypoint: CommandLine | undefined
  /** One after the other, each in a container of its own; the service is started when all have ended well. */
  readonly preStart: readonly Hook[]
  /** In the service's container, when it runs already. */
  readonly postStart: readonly Hook[]
  readonly environment: Readonly<Record<string, string>>
  readonly envFiles: readonly string[]
  /** Those of them that are not here, and may say more. */
  readonly missingEnvFiles: readonly string[]
  readonly dependsOn: ReadonlyMap<string, Dependency>
  /** `off`: switched off; undefined: the file says nothing. */
  readonly healthcheck: HealthCheck | 'off' | undefined
  /** Those of `volumes` first, in their order; configs are files like any other. */
  readonly mounts: readonly Mount[]
  readonly ports: readonly { readonly host: string; readonly published: string; readonly target: string }[]
  readonly profiles: readonly string[]
  readonly restart: string | undefined
  readonly deploy: Readonly<Record<string, unknown>>
  readonly replicas: number
  readonly labels: Readonly<Record<string, string>>
  /** Every name by which others of the stack reach it. */
  readonly hostNames: ReadonlySet<string>
  readonly networkMode: string
  /** Other services by the name that this one calls them. */
  readonly links: ReadonlyMap<string, string>
  readonly workingDir: string | undefined
  /** As Compose has it, resolved. */
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Reads one service.
 * @param configs those at the top of the file
 * @param readEnvFile the variables of an env file, undefined where it is not here; docker has put them in already
 */
export function toService(
  name: string,
  values: Record<string, unknown>,
  configs: Readonly<Record<string, unknown>>,
  readEnvFile: (file: string) => Record<string, string> | undefined,
): Service {
  const envFiles = asList(values.env_file).map(file => String(isValues(file) ? file.path : file))
  const fromEnvFiles = envFiles.map(file => [file, readEnvFile(file)] as const)
  const deploy = isValues(values.deploy) ? values.deploy : {}
  const text = (value: unknown) => (value === undefined || value === null ? undefined : String(value))
  return {
    name,
    image: typeof values.image === 'string' ? parseImage(values.image) : undefined,
    build: toBuild(values.build),
    command: toCommand(values.command),
    entrypoint: toCommand(values.entrypoint),
    preStart: toHooks(values.pre_start),
    postStart: toHooks(values.post_start),
    environment: {
      ...Object.assign({}, ...fromEnvFiles.map(([, variables]) => variables)),
      ...texts(asMap(values.environment)),
    },
    envFiles,
    missingEnvFiles: fromEnvFiles.flatMap(([file, variables]) => (variables === undefined ? [file] : [])),
    dependsOn: toDependencies(values.depends_on),
    healthcheck: toHealthCheck(values.healthcheck),
    mounts: [
      ...asList(values.volumes).map(toMount),
      ...asList(values.tmpfs).map(tmpfs),
      ...asList(values.configs).map(config => configMount(config, configs)),
    ],
    ports: asList(values.ports).map(toPort),
    profiles: asList(values.profiles).map(String),
    restart: values.restart === false ? 'no' : text(values.restart),
    deploy,
    replicas: Number(values.scale ?? deploy.replicas ?? 1),
    labels: texts(asMap(values.labels)),
    hostNames: hostNames(name, values),
    networkMode: String(values.network_mode ?? ''),
    links: new Map(
      asList(values.links).map(link => {
        const [service = '', alias] = String(link).split(':')
        return [alias ?? service, service]
      }),
    ),
    workingDir: text(values.working_dir),
    values,
  }
}

function texts(map: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    // a name without a value is taken from Compose's own environment, and is not known here
    Object.entries(map).map(([key, value]) => [
      key,
      value === null || value === undefined ? `\${${key}}` : String(value),
    ]),
  )
}

function toCommand(value: unknown): CommandLine | undefined {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'string' ? value : undefined
}

/** The entries of `pre_start` or `post_start`: https://docs.docker.com/compose/how-tos/lifecycle/. */
export function toHooks(value: unknown): Hook[] {
  return asList(value)
    .filter(isValues)
    .map(({ command, image, environment }) => ({
      command: toCommand(command),
      image: typeof image === 'string' ? parseImage(image) : undefined,
      environment: texts(asMap(environment)),
    }))
}

function toBuild(value: unknown): Build | undefined {
  if (typeof value === 'string') return { context: value, dockerfile: undefined, inline: undefined, target: undefined }
  if (!isValues(value)) return undefined
  const text = (key: string) => (typeof value[key] === 'string' ? value[key] : undefined)
  return {
    context: text('context') ?? '.',
    dockerfile: text('dockerfile'),
    inline: text('dockerfile_inline'),
    target: text('target'),
  }
}

function toDependencies(value: unknown): Map<string, Dependency> {
  const dependencies = new Map<string, Dependency>()
  for (const [name, entry] of Object.entries(namesToMap(value ?? [], 'depends_on'))) {
    const long = isValues(entry) ? entry : {}
    dependencies.set(name, {
      condition: String(long.condition ?? 'service_started'),
      required: long.required !== false,
      restart: long.restart === true,
    })
  }
  return dependencies
}

function toHealthCheck(value: unknown): Service['healthcheck'] {
  if (!isValues(value)) return undefined
  const test = typeof value.test === 'string' ? ['CMD-SHELL', value.test] : asList(value.test).map(String)
  if (value.disable === true || value.disable === 'true' || test[0] === 'NONE') return 'off'
  const retries = Number(value.retries)
  return {
    test,
    interval: seconds(value.interval),
    startPeriod: seconds(value.start_period),
    startInterval: seconds(value.start_interval),
    retries: value.retries === undefined || Number.isNaN(retries) ? undefined : retries,
  }
}

const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 }

/** A duration of Go's, `1m30s`, in seconds; undefined where it is none. */
function seconds(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const text = String(value)
  if (/^\d+$/.test(text)) return Number(text) / 1e9
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
}

/** A volume of a service in either of its forms. */
export function toMount(value: unknown): Mount {
  if (isValues(value)) {
    return {
      source: String(value.source ?? ''),
      target: folder(String(value.target ?? '')),
      type: String(value.type ?? 'volume'),
    }
  }
  // ${X:-./data}:/data has colons of its own
  const parts = String(value).match(/(?:\$\{[^}]*\}|[^:])+/g) ?? []
  // a: may be a drive, or a volume of one letter
  const drive = /^[A-Za-z]$/.test(parts[0] ?? '') && (/^\\/.test(parts[1] ?? '') || /^\//.test(parts[2] ?? ''))
  if (drive) parts.splice(0, 2, `${parts[0]}:${parts[1]}`)
  const [source = '', target] = parts
  if (target === undefined) return { source: '', target: folder(source), type: 'volume' }
  return {
    source,
    target: folder(target),
    type: /^[./~]|^\$\{|^[A-Za-z]:/.test(source) || source.includes('/') ? 'bind' : 'volume',
  }
}

/** Without the slash at its end, which Docker takes off as well. */
function folder(path: string): string {
  return path.replace(/(?<=.)\/+$/, '')
}

function tmpfs(value: unknown): Mount {
  return { source: '', target: folder(String(value).split(':')[0]!), type: 'tmpfs' }
}

function configMount(value: unknown, configs: Readonly<Record<string, unknown>>): Mount {
  const source = String(isValues(value) ? value.source : value)
  const target = isValues(value) && value.target !== undefined ? String(value.target) : `/${source}`
  const config = isValues(configs[source]) ? configs[source] : {}
  if (typeof config.content === 'string') return { source, target, type: 'config', text: config.content }
  return typeof config.file === 'string'
    ? { source: config.file, target, type: 'bind' }
    : { source, target, type: 'config' }
}

function toPort(value: unknown): Service['ports'][number] {
  if (isValues(value)) {
    return {
      host: String(value.host_ip ?? ''),
      published: String(value.published ?? ''),
      target: String(value.target ?? ''),
    }
  }
  const parts =
    String(value)
      .replace(/\/(tcp|udp)$/, '')
      .match(/(?:\$\{[^}]*\}|\[[^\]]*\]|[^:])+/g) ?? []
  const [target = '', published = '', host = ''] = parts.toReversed()
  return { host, published, target }
}

function hostNames(name: string, values: Record<string, unknown>): Set<string> {
  const names = [name, values.container_name, values.hostname]
  if (isValues(values.networks)) {
    for (const network of Object.values(values.networks)) if (isValues(network)) names.push(...asList(network.aliases))
  }
  return new Set(names.filter(one => typeof one === 'string').map(one => one.toLowerCase()))
}
