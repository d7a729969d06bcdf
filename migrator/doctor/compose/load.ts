// Compose files from their names to one stack of plain values, and where each value stands.

import { existsSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { type DockerLimits, dockerConfig } from './docker-config.ts'
import { type ComposeDocument, parseCompose } from './documents.ts'
import { readEnvFile } from './env-file.ts'
import type { Variables } from './interpolate.ts'
import { isValues } from './merge.ts'
import { type OwnReading, readAlone } from './own-reading.ts'
import { Places } from './places.ts'
import { asText, readText } from './text-file.ts'

/** The files of one stack, read. */
export interface Compose {
  /** As they were named. */
  readonly files: readonly string[]
  /** The project's folder, absolute. */
  readonly directory: string
  readonly services: Readonly<Record<string, Record<string, unknown>>>
  /** The same as all files together have them: nothing interpolated, relative paths from the project's folder. */
  readonly written: Readonly<Record<string, Record<string, unknown>>>
  /** Those of COMPOSE_PROFILES: every `up` here starts what is below them. */
  readonly activeProfiles: ReadonlySet<string>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, unknown>>
  /** What else the files say at their top, for a trial. */
  readonly top: Readonly<Record<string, unknown>>
  readonly documents: readonly ComposeDocument[]
  readonly places: Places
  /** What a reader must know: how it was read, what could not be. */
  readonly notes: readonly string[]
  readonly readBy: 'docker compose config' | 'the YAML alone'
}

export interface LoadOptions extends DockerLimits {
  readonly cwd: string
  readonly env: Variables
  /** The text for the file `-`. */
  readonly stdin?: string | undefined
  /** False: docker is not asked. */
  readonly docker: boolean
}

/** Those that Compose looks for, in its order, and the overlays: the first of each, whatever the other is called. */
const defaultNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']
const overlayNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
]

/** The files that Compose would take in a folder: COMPOSE_FILE, or the usual names. Empty where there are none. */
function filesIn(cwd: string, env: Variables): string[] {
  const named = env.COMPOSE_FILE ?? readEnvFile(join(cwd, '.env'))?.COMPOSE_FILE
  if (named) return named.split(env.COMPOSE_PATH_SEPARATOR || delimiter)
  const there = (name: string) => existsSync(join(cwd, name))
  const main = defaultNames.find(there)
  if (main === undefined) return []
  const overlay = overlayNames.find(there)
  return overlay === undefined ? [main] : [main, overlay]
}

/**
 * Reads the stack.
 * @param files laid one over the other, as Compose's `-f`; none: those that Compose would find
 * @throws UsageError where a file is not there or is no compose file
 */
export async function loadCompose(files: readonly string[], options: LoadOptions): Promise<Compose> {
  const { cwd, env, stdin } = options
  const names = files.length > 0 ? files : filesIn(cwd, env)
  const [first] = names
  if (first === undefined)
    throw new UsageError(
      `There is no compose file in ${cwd}. Go to the folder that has it, or write one first. One elsewhere, or of another name, is taken from COMPOSE_FILE.`,
    )
  const directory = first === '-' ? cwd : dirname(resolve(cwd, first))
  const pathOf = (name: string) => (name === '-' ? name : resolve(cwd, name))
  const documents = names.map(name => parseCompose(name, pathOf(name), directory, textOf(name, cwd, stdin)))
  const variables = { ...readEnvFile(join(directory, '.env')), ...env }
  const alone = tryAlone(documents, variables)
  const own = alone instanceof UsageError ? { values: {}, written: {}, documents, notes: [] } : alone
  const notes = [...own.notes]
  let values: Record<string, unknown> = own.values
  let readBy: Compose['readBy'] = 'the YAML alone'
  if (options.docker) {
    const unset = unsetIn(own.documents, variables)
    const ports = Object.values(mapOf(own.written.services)).map(service => JSON.stringify(mapOf(service).ports))
    // also with a default, which what stands for the variable would take the place of
    const inPorts = new Set(ports.flatMap(text => [...(text ?? '').matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!)))
    const config = await dockerConfig(names.map(pathOf), directory, stdin, env, unset, inPorts, options)
    if ('values' in config) {
      values = config.values
      readBy = 'docker compose config'
    } else if (config.isThere) {
      notes.unshift(`docker compose config cannot read this (${config.why}), so the YAML alone is read.`)
    } else notes.unshift(`${config.why}, so the YAML alone is read.`)
  }
  if (alone instanceof UsageError) {
    if (readBy === 'the YAML alone') throw alone
    notes.push(
      `Docker reads what the YAML alone does not give, so lines and overlays know the named files alone: ${alone.message}`,
    )
  }
  return {
    files: names,
    directory,
    activeProfiles: new Set(variables.COMPOSE_PROFILES?.split(',').map(name => name.trim())),
    services: servicesOf(values, first),
    written: servicesOf(own.written, first),
    volumes: mapOf(values.volumes),
    networks: mapOf(values.networks),
    top: values,
    documents: own.documents,
    places: new Places(own.documents, documents),
    notes,
    readBy,
  }
}

/** What docker can read need not be readable without it. */
function tryAlone(documents: readonly ComposeDocument[], variables: Variables): OwnReading | UsageError {
  try {
    return readAlone(documents, variables)
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
}

function servicesOf(values: Record<string, unknown>, file: string): Compose['services'] {
  const services = Object.entries(mapOf(values.services)).map(([name, service]) => {
    if (service !== null && !isValues(service))
      throw new UsageError(`${file}: the service ${JSON.stringify(name)} must be a map, with an image or a build.`)
    return [name, service ?? {}] as const
  })
  return Object.fromEntries(services)
}

function mapOf(value: unknown): Record<string, unknown> {
  return isValues(value) ? value : {}
}

function textOf(name: string, cwd: string, stdin: string | undefined): string {
  return name === '-' ? asText(name, Buffer.from(stdin ?? '')) : readText(name, resolve(cwd, name))
}

/** The variables that the files name, that have neither value nor default, and that Compose need not have. */
function unsetIn(documents: readonly ComposeDocument[], variables: Variables): string[] {
  const names = new Set<string>()
  for (const { text, directory } of documents) {
    // an included file has variables of its own
    const values = { ...readEnvFile(join(directory, '.env')), ...variables }
    for (const [, plain, braced] of text.matchAll(/(?<!\$)\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g)) {
      const name = plain ?? braced!
      if (values[name] === undefined) names.add(name)
    }
  }
  return [...names]
}
