// The stack as doctor sees it: each service with its part, what it runs, and the databases that it uses.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readEnvFile } from '../compose/env-file.ts'
import { parseImage } from '../compose/image.ts'
import type { Compose } from '../compose/load.ts'
import { isValues } from '../compose/merge.ts'
import { type CommandLine, type Service, toHooks, toService } from '../compose/service.ts'
import { shield } from '../compose/shield.ts'
import { BuildContext } from '../startup/build-context.ts'
import { findMigration, isMigrationTool, isPreparing, onlyIdles } from '../startup/migrating.ts'
import { type ImageConfig, startupOf, withWritten } from '../startup/startup.ts'
import { isHook, type Step } from '../startup/step.ts'
import {
  isInfrastructure,
  isOtherDatabase,
  isPlainProxy,
  isPooler,
  isPostgresImage,
  isProxy,
  isStore,
  isTool,
} from './known-images.ts'
import type { Draft, Member, Role } from './member.ts'
import {
  isLabelled,
  roleLabel,
  shareEnvFiles,
  shareMigrated,
  shareOnly,
  shareSwitches,
  shareUnknown,
  shareWorkers,
} from './sharing.ts'
import { looksLikeSwarm } from './swarm.ts'
import { assignUses } from './uses.ts'

export interface Stack {
  readonly compose: Compose
  readonly members: ReadonlyMap<string, Member>
  /** Swarm knows no conditions: `depends_on` keeps nothing there. */
  readonly isSwarm: boolean
}

const labelledRoles = ['database', 'migrator', 'app', 'gate', 'proxy'] as const

/** @param images what an engine knows of images, by their names in the file */
export function buildStack(compose: Compose, images: ReadonlyMap<string, ImageConfig> = new Map()): Stack {
  const variablesOf = (file: string) => {
    const path = resolve(compose.directory, file)
    if (compose.readBy === 'the YAML alone') return readEnvFile(path)
    // docker has put them in, and goes on without one that is not required
    return existsSync(path) || file.includes('$') ? {} : undefined
  }
  const configs = isValues(compose.top.configs) ? compose.top.configs : {}
  const drafts = Object.entries(compose.services).map(([name, values]) => {
    // docker leaves out what it has read
    const envFile = values.env_file ?? compose.written[name]?.env_file
    const service = toService(name, { ...values, env_file: envFile }, configs, variablesOf)
    const context = new BuildContext(service, compose.directory)
    const image = images.get(service.image?.text ?? '')
    const shielded = { ...service, ...shieldedCommand(compose, service) }
    const startup = withWritten(startupOf(service, context, image), startupOf(shielded, context, image))
    return { service, context, startup }
  })
  const waitedFor = new Set<string>()
  for (const { service } of drafts) {
    for (const [name, { condition }] of service.dependsOn)
      if (condition === 'service_completed_successfully') waitedFor.add(name)
  }
  const members = new Map<string, Member>()
  for (const { service, context, startup } of drafts) {
    const migration = findMigration(service, startup, context, waitedFor.has(service.name))
    members.set(service.name, { service, context, startup, migration, role: 'other', uses: [] })
  }
  shareSwitches(members)
  const isSwarm = looksLikeSwarm(compose)
  assignServers(members)
  assignUses(members)
  assignClients(members, waitedFor)
  return { compose, members, isSwarm }
}

/** What a service runs, as the files have it, with Compose's variables shielded. */
function shieldedCommand(
  { written }: Compose,
  { name }: Service,
): Pick<Service, 'entrypoint' | 'command' | 'preStart' | 'postStart'> {
  const { entrypoint, command, pre_start, post_start } = written[name] ?? {}
  const read = (value: unknown): CommandLine | undefined => {
    if (typeof value === 'string') return shield(value)
    return Array.isArray(value) ? value.map(word => shield(String(word))) : undefined
  }
  const hooks = (value: unknown) => toHooks(value).map(hook => ({ ...hook, command: read(hook.command) }))
  return {
    entrypoint: read(entrypoint),
    command: read(command),
    preStart: hooks(pre_start),
    postStart: hooks(post_start),
  }
}

/** Roles that an image or a label tells by itself. */
function assignServers(members: ReadonlyMap<string, Member>): void {
  for (const member of members.values() as Iterable<Draft>) {
    member.role = roleByLabel(member) ?? roleByImage(member)
  }
}

function roleByLabel({ service }: Member): Role | undefined {
  return labelledRoles.find(role => role === service.labels[roleLabel])
}

/** The env files that are not here, and may name the database of services of which nothing else says one. */
export function missingEnvFiles({ members }: Stack): string[] {
  const readers = new Map<string, string[]>()
  for (const { service, role, uses } of members.values()) {
    const { name, image } = service
    if (role !== 'other' || uses.length > 0 || (image && (isInfrastructure(image) || isStore(image)))) continue
    for (const file of service.missingEnvFiles) {
      const known = readers.get(file)
      if (known) known.push(name)
      else readers.set(file, [name])
    }
  }
  return [...readers].map(
    ([file, names]) =>
      `${file} is not here: whether ${names.join(', ')} ${names.length === 1 ? 'uses' : 'use'} a database may stand there.`,
  )
}

/** What is wrong with the labels, one sentence each. */
export function labelComplaints({ members }: Stack): string[] {
  return [...members.values()].flatMap(member => {
    const { name, labels } = member.service
    const label = labels[roleLabel]
    if (label !== undefined && roleByLabel(member) === undefined)
      return [`${name} has the label ${roleLabel}: ${label}, which is none of ${labelledRoles.join(', ')}.`]
    if (!isLabelled(member) || member.uses.length > 0) return []
    return [`${name} has the label ${roleLabel}: ${label}, and nothing says which database it uses: name its host.`]
  })
}

function roleByImage({ service, context, startup, migration }: Member): Role {
  const { image, name } = service
  const steps = startup.steps.filter(step => !isHook(step))
  const base = context.image?.base === undefined ? undefined : parseImage(context.image.base)
  // a one-shot that gives a folder to the server's user
  const onlyPrepares = steps.length > 0 && steps.every(isPreparing)
  const startsOtherProgram = steps.some(({ text }) =>
    /^(?!(\/?[\w/.-]*\/)?(postgres|docker-entrypoint\.sh|docker-ensure-initdb|-)\b)\S*(psql|pg_dump|pg_dumpall|pg_basebackup|pg_restore|createdb|crond?|supercronic|sleep|backup\S*)\b/.test(
      text,
    ),
  )
  for (const one of [image, base]) {
    if (!one) continue
    if (isOtherDatabase(one)) return 'other-database'
    if (isPooler(one)) return 'pooler'
    if (/schemagate/.test(one.repository) && steps.some(({ text }) => /(^|\s)gate\b/.test(text))) return 'gate'
    // its image serves the gate without a command
    if (/schemagate-gate$/.test(one.repository) && steps.length === 0) return 'gate'
    const isServer = !startsOtherProgram && !onlyPrepares && !isScriptOf(service, steps, migration !== undefined)
    if (isPostgresImage(one) && isServer) return 'database'
    if (isPostgresImage(one)) return migration ? 'other' : 'tool'
  }
  if (steps.some(({ text }) => /\bschemagate(\.c?js)?\s+gate\b/.test(text))) return 'gate'
  if (!onlyPrepares && looksLikePostgres(service, migration !== undefined)) return 'database'
  if (migration) return 'other'
  // a container to work in: what is started in it by hand is not seen
  if (onlyIdles(steps)) return 'tool'
  if (isMigrationTool(service, startup, context)) return 'tool'
  if (image && isTool(image)) return 'tool'
  if (image && isProxy(image)) return 'proxy'
  if (/(^|[-_])(pgadmin|adminer|backups?|exporter|pgbackup)([-_]|$)/.test(name)) return 'tool'
  if (steps.some(({ text }) => /\b(prisma|drizzle-kit)\s+studio\b|\bpg_dump(all)?\b|^celery\b.*\bflower\b/.test(text)))
    return 'tool'
  return 'other'
}

/** An image of Postgres whose entrypoint is a program of the project's own, without anything that a server has. */
function isScriptOf(service: Service, steps: readonly Step[], migrates: boolean): boolean {
  if (service.entrypoint === undefined || looksLikePostgres(service, migrates)) return false
  return steps.length > 0 && !steps.some(({ text }) => /^(\S*\/)?(postgres|docker-entrypoint\.sh)\b/.test(text))
}

/** An unknown image with everything that a Postgres server has; a migrator is one only with the data. */
function looksLikePostgres(service: Service, migrates: boolean): boolean {
  const { environment, image, healthcheck, mounts, name } = service
  const isNamed = /(^|[-_])(db|database|postgres(ql)?|pg|psql)\d*$|^(db|postgres|pg)[-_]/.test(name)
  const hasPassword = 'POSTGRES_PASSWORD' in environment || 'POSTGRESQL_PASSWORD' in environment
  const namesHost = Object.keys(environment).some(key => /(HOST|HOSTNAME|SERVER|_URL)$/i.test(key))
  const asksItself = healthcheck !== undefined && healthcheck !== 'off' && /pg_isready/.test(healthcheck.test.join(' '))
  const hasData = mounts.some(({ target }) =>
    /^\/(var\/lib\/postgres|var\/lib\/pgsql|bitnami\/postgresql|home\/postgres)/.test(target),
  )
  if (image && /redis|mysql|mariadb|mongo/.test(image.name)) return false
  if (hasData && !namesHost) return true
  if (migrates) return false
  const signs = [isNamed, hasPassword, asksItself].filter(Boolean).length
  return !namesHost && signs >= 2
}

/** What is left: migrators, and applications that use a database. */
function assignClients(members: ReadonlyMap<string, Member>, waitedFor: ReadonlySet<string>): void {
  const all = [...members.values()] as Draft[]
  shareEnvFiles(all)
  shareUnknown(all)
  shareWorkers(all)
  for (const member of all) {
    // what passes requests on has no database: php-nginx is an app, and nginx has an env file of the whole stack
    const isApp = member.uses.some(use => use.isNamed) && !(member.service.image && isPlainProxy(member.service.image))
    if (member.role === 'proxy' && !roleByLabel(member) && isApp) member.role = 'other'
    if (member.role !== 'other') continue
    const { service, migration, uses } = member
    if (migration && !migration.alsoServes && uses.length > 0) {
      member.role = 'migrator'
      continue
    }
    if (uses.length === 0) continue
    const isNamed = uses.some(use => use.isNamed)
    if (!isNamed && !migration && service.image && (isInfrastructure(service.image) || isProxy(service.image))) continue
    member.role = 'app'
  }
  shareOnly(all)
  shareMigrated(all)
  // a one-shot that others wait for prepares their database, whatever it is called, where no other does
  const hasMigrator = all.some(({ role, migration }) => role === 'migrator' || migration?.alsoServes)
  if (hasMigrator) return
  for (const member of all) {
    if (member.role !== 'app' || !waitedFor.has(member.service.name)) continue
    member.role = 'migrator'
  }
}
