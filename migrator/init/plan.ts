// What init would write: an overlay, lines of .env, a job for CI; shown before anything is done.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseEnvFile } from '../doctor/compose/env-file.ts'
import type { Mount } from '../doctor/compose/service.ts'
import type { DiagnoseOptions, Diagnosis } from '../doctor/diagnose.ts'
import { type Database, databasesOf } from '../doctor/model/gating.ts'
import type { Member } from '../doctor/model/member.ts'
import type { Recognised } from '../doctor/model/recognise.ts'
import type { Stack } from '../doctor/model/stack.ts'
import { makeOverlay } from '../doctor/overlay/fix.ts'
import { besideFirst, overlayName } from '../doctor/overlay/write.ts'
import { migratorService } from '../doctor/patches/migrator-service.ts'
import { oneShotOf } from '../doctor/patches/one-shot.ts'
import type { Patch } from '../doctor/patches/patch.ts'
import { initdbMigration } from '../doctor/rules/initdb-migration.ts'
import { readSmall } from '../doctor/startup/build-context.ts'
import { migratorImageVariable } from '../settings/image-variables.ts'
import { workflow } from './workflow.ts'

export interface Choice {
  readonly database: Database
  /** How the project migrates, where nothing in its compose file does; undefined where something does. */
  readonly way: Recognised | undefined
  /** The app whose image has the tool. */
  readonly app: Member | undefined
  /** What was brought to initdb.d until now, and doctor's own change gives to a migrator. */
  readonly brought?: Brought | undefined
}

export interface Brought {
  /** The migrator's service. */
  readonly migrator: string
  /** Below /migrations. */
  readonly mounts: readonly Mount[]
}

export interface PlannedFile {
  /** Absolute. */
  readonly path: string
  readonly name: string
  readonly text: string
  /** Lines for the end of a file that is there. */
  readonly isAppended: boolean
}

export interface Plan {
  readonly files: readonly PlannedFile[]
  /** What is not written, and why. */
  readonly remarks: readonly string[]
  /** What the project has then: the files that were read, and the overlay. */
  readonly composeFiles: readonly string[]
}

/** Decides what to write, and writes nothing. What is there already is left as it is, and said in `remarks`. */
export async function plan(diagnosis: Diagnosis, choice: Choice, options: DiagnoseOptions): Promise<Plan> {
  const { compose } = diagnosis.stack
  const { cwd } = options
  const remarks: string[] = []
  const patches = [migratorPatch(diagnosis, choice), limitPatch(choice)].filter(patch => patch !== undefined)
  // that of a further database lies over the first one's, which is left as it is
  const isFurther = compose.files.some(file => resolve(cwd, file) === join(compose.directory, overlayName))
  const overlay = isFurther ? overlayName.replace('.yml', `.${choice.database.server}.yml`) : overlayName
  const { text, result } = await makeOverlay(diagnosis, options, patches, { by: 'init', name: overlay })
  const files: PlannedFile[] = []
  const added = besideFirst(compose.files, overlay)
  if (text !== '') {
    const path = resolve(cwd, added)
    if (!existsSync(path)) files.push({ path, name: added, text, isAppended: false })
    else if (readSmall(path) !== text) remarks.push(`${added} is there already, and is left as it is.`)
  }
  const names = [...compose.files, ...(text === '' ? [] : [added])]
  const first = firstStart(result, choice)
  if (first !== undefined) remarks.push(first)
  const env = envLines(cwd, names, choice, remarks)
  if (env) files.push(env)
  const after = databasesOf(result.stack).find(({ server }) => server === choice.database.server)
  const migrator = after?.migrators[0]?.service.name
  if (after && migrator !== undefined) {
    const repository = repositoryOf(cwd)
    const path = join(repository, '.github/workflows/schemagate.yml')
    const name = relative(cwd, path)
    const fromThere = names.map(file => relative(repository, resolve(cwd, file)))
    const isOurs = choice.way !== undefined && choice.way.command === undefined
    if (existsSync(path)) remarks.push(`${name} is there already, and is left as it is.`)
    else files.push({ path, name, text: workflow(compose, fromThere, migrator, after.apps, isOurs), isAppended: false })
  }
  return { files, remarks, composeFiles: names }
}

/** The folder whose workflows are run; the given one where there is no repository. */
function repositoryOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at
    if (at === dirname(at)) return folder
  }
}

/** A one-shot for what the project has, and each app behind it. */
function migratorPatch({ stack }: Diagnosis, { database, way, app, brought }: Choice): Patch | undefined {
  const { member, apps } = database
  if (!way || !member || brought) return undefined
  const names = ['migrate', 'schemagate-migrate', `migrate-${member.service.name}`]
  const name = names.find(one => !stack.members.has(one)) ?? 'schemagate-migrate'
  const gate = { depends_on: { [name]: { condition: 'service_completed_successfully' } } }
  const gated = Object.fromEntries(apps.map(({ service }) => [service.name, gate]))
  if (way.command === undefined) {
    const mount = `./${way.folder}:/migrations:ro`
    return { services: { [name]: migratorService(stack, member, [mount]), ...gated } }
  }
  if (!app) return undefined
  const isAlways = apps.some(({ service }) => service.profiles.length === 0)
  const migrate = oneShotOf(stack.compose, app.service.name, {
    entrypoint: [...(way.shell ?? ['sh']), '-ec'],
    command: [way.command],
    profiles: isAlways ? undefined : [...new Set(apps.flatMap(({ service }) => service.profiles))],
    depends_on: {
      ...ungatedNeeds(stack, app, apps),
      [member.service.name]: { condition: 'service_healthy' },
    },
  })
  return migrate && { services: { [name]: migrate, ...gated } }
}

/** The same files at two places: the migrator would refuse the tables that the first start has made. */
function firstStart({ findings }: Diagnosis, { database: { server }, way }: Choice): string | undefined {
  const left = findings.find(({ rule, service }) => rule === initdbMigration && service === server)
  if (!left || way === undefined || way.command !== undefined) return undefined
  return `${left.what} Take that out of /docker-entrypoint-initdb.d, or the migrator refuses the tables that it has not made.`
}

/** What else the app waits for, as a cache that the tool needs as well; without what will wait for the migration itself. */
function ungatedNeeds(stack: Stack, app: Member, apps: readonly Member[]): Record<string, unknown> {
  const gated = new Set(apps.map(({ service }) => service.name))
  const waits = (name: string, seen = new Set<string>()): boolean => {
    if (gated.has(name)) return true
    if (seen.has(name)) return false
    seen.add(name)
    return [...(stack.members.get(name)?.service.dependsOn.keys() ?? [])].some(other => waits(other, seen))
  }
  return Object.fromEntries(
    [...app.service.dependsOn].flatMap(([name, { condition, required }]) =>
      waits(name) ? [] : [[name, { condition, ...(!required && { required }) }]],
    ),
  )
}

/** A migrator that is started again for ever after a failure keeps `up` waiting for ever: five tries will do. */
function limitPatch({ database: { migrators, byHand } }: Choice): Patch | undefined {
  const endless = [...migrators, ...byHand].filter(({ service }) => service.restart === 'on-failure')
  if (endless.length === 0) return undefined
  return { services: Object.fromEntries(endless.map(({ service }) => [service.name, { restart: 'on-failure:5' }])) }
}

function envLines(
  directory: string,
  names: readonly string[],
  { way }: Choice,
  remarks: string[],
): PlannedFile | undefined {
  const path = join(directory, '.env')
  const stat = statSync(path, { throwIfNoEntry: false })
  // password managers make a pipe of it
  if (stat && !stat.isFile()) {
    remarks.push(`.env is no file, and is left as it is. It is to have: COMPOSE_FILE=${[...new Set(names)].join(':')}`)
    return undefined
  }
  const before = stat ? readFileSync(path, 'utf8') : undefined
  const there = before === undefined ? {} : parseEnvFile(before)
  // run again, it finds the overlay among the project's own files
  const wanted: Record<string, string> = { COMPOSE_FILE: [...new Set(names)].join(':') }
  if (way !== undefined && way.command === undefined) wanted[migratorImageVariable] = 'schemagate-migrator'
  const lines: string[] = []
  for (const [key, value] of Object.entries(wanted)) {
    if (there[key] === undefined) lines.push(`${key}=${value}`)
    else if (there[key] !== value) remarks.push(`.env has ${key}=${there[key]} already. Make it ${value}.`)
  }
  if (lines.length === 0) return undefined
  const text = `${before !== undefined && !before.endsWith('\n') && before !== '' ? '\n' : ''}# schemagate: plain \`docker compose\` takes the overlay, too\n${lines.join('\n')}\n`
  return { path, name: '.env', text, isAppended: before !== undefined }
}
