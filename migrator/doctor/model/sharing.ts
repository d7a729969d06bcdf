// What a service tells of others: those of its image, of its env file, of its database, those behind its migrator.

import type { Service } from '../compose/service.ts'
import { isWorker } from '../startup/migrating.ts'
import { migrationSwitchedOff } from '../startup/tools.ts'
import { isInfrastructure, isProxy } from './known-images.ts'
import type { Draft, Member, Use } from './member.ts'

/** It says what a service is, where nothing else does. */
export const roleLabel = 'schemagate.role'

/** What waits for a migrator, in whichever form, uses the database that it migrates, where nothing says which. */
export function shareMigrated(all: readonly Draft[]): void {
  const migrators = new Map(all.flatMap(one => (one.role === 'migrator' ? [[one.service.name, one] as const] : [])))
  for (const member of all) {
    const { service, uses, role } = member
    if (role === 'app') member.uses = namedByMigrators(member, migrators)
    if ((role !== 'other' && !isLabelled(member)) || uses.length > 0) continue
    if (role === 'other' && service.image && (isInfrastructure(service.image) || isProxy(service.image))) continue
    const migrator = [...service.dependsOn.keys()].map(name => migrators.get(name)).find(one => one !== undefined)
    if (!migrator) continue
    member.uses = migrator.uses.map(use => ({ ...use, isNamed: false }))
    if (role === 'other') member.role = 'app'
  }
}

/** An app that names a server and none of its databases uses those that are migrated before it. */
function namedByMigrators({ service, uses }: Draft, migrators: ReadonlyMap<string, Draft>): readonly Use[] {
  const before = [...service.dependsOn].flatMap(([name, { condition }]) =>
    condition === 'service_completed_successfully' ? (migrators.get(name)?.uses ?? []) : [],
  )
  return uses.flatMap(use => {
    const same = before.filter(({ server, database }) => server === use.server && database !== undefined)
    return use.database !== undefined || same.length === 0 ? [use] : same.map(({ database }) => ({ ...use, database }))
  })
}

/** Where one service of an image is kept from migrating by a variable, those of it without the variable migrate. */
export function shareSwitches(members: ReadonlyMap<string, Member>): void {
  const all = [...members.values()] as Draft[]
  const switchOf = new Map<string, string>()
  for (const member of all) {
    const name = migrationSwitchedOff(member.service.environment)
    const own = madeFrom(member.service)
    if (name !== undefined && own !== undefined) switchOf.set(own, name)
  }
  if (all.some(({ migration }) => migration && !migration.alsoServes)) return
  for (const member of all) {
    const name = switchOf.get(madeFrom(member.service) ?? '')
    if (name === undefined || member.migration || name in member.service.environment) continue
    const tool = `its image, which ${name} keeps from it elsewhere`
    member.migration = {
      tool,
      fixedStep: false,
      alsoServes: true,
      step: undefined,
      variable: undefined,
      hasNoCommand: false,
    }
  }
}

/** The same for two services whose containers are of one image. */
function madeFrom({ build, image }: Service): string | undefined {
  return build ? [build.context, build.dockerfile, build.target].join(' ') : image?.text
}

/** A worker of the app's own image with the app's own env file uses what the app uses. */
export function shareEnvFiles(all: readonly Draft[]): void {
  const key = ({ service }: Draft) => {
    const { envFiles } = service
    const made = madeFrom(service)
    return made === undefined || envFiles.length === 0 ? undefined : `${made}\n${envFiles.join('\n')}`
  }
  const known = new Map<string, Draft>()
  for (const member of all) {
    const own = key(member)
    if (own !== undefined && member.uses.length > 0 && member.role === 'other') known.set(own, member)
  }
  for (const member of all) {
    const twin = member.uses.length === 0 && member.role === 'other' ? known.get(key(member) ?? '') : undefined
    if (twin) member.uses = twin.uses
  }
}

/** A worker that says nothing of a database uses that of the app whose image it has, or is built beside. */
export function shareWorkers(all: readonly Draft[]): void {
  const users = all.filter(({ role, uses }) => role === 'other' && uses.length > 0)
  for (const member of all) {
    const { service, startup, context, role, uses } = member
    if (role !== 'other' || uses.length > 0 || !startup.steps.some(isWorker)) continue
    const own = madeFrom(service)
    const sameImage = users.filter(one => own !== undefined && madeFrom(one.service) === own)
    const beside = users.filter(one => context.context !== undefined && one.context.context === context.context)
    const twins = sameImage.length > 0 ? sameImage : beside
    const servers = new Set(twins.flatMap(twin => twin.uses.map(({ server }) => server)))
    // of several databases nothing says which
    if (servers.size === 1) member.uses = twins[0]!.uses
  }
}

/**
 * Who holds the same unknown value as a user of a database, `${DATABASE_URL}`, uses that database; whose value no other has,
 * the only one of the stack.
 */
export function shareUnknown(all: readonly Draft[]): void {
  const known = new Map<string, readonly Use[]>()
  for (const { service, uses } of all) {
    for (const value of unknownPlaces(service.environment))
      if (uses.length > 0 && !known.has(value)) known.set(value, uses)
  }
  const servers = all.filter(({ role }) => role === 'database' || role === 'other-database')
  const only = servers.length === 1 && servers[0]!.role === 'database' ? servers[0]!.service.name : undefined
  for (const member of all) {
    if (member.uses.length > 0 || !(member.role === 'other' || isLabelled(member))) continue
    const { environment } = member.service
    const value = Object.values(environment).find(one => known.has(one))
    if (value !== undefined) member.uses = known.get(value)!.map(use => ({ ...use, isNamed: true }))
    else if (only !== undefined && unknownPlaces(environment).length > 0) member.uses = [unnamed(only)]
  }
}

/** Variables of other servers, and of those that collect errors. */
const ofOthers = /MONGO|REDIS|MYSQL|MARIA|CLICKHOUSE|INFLUX|NEO4J|COUCH|ELASTIC|MSSQL|ORACLE|SENTRY/i

function unknownPlaces(environment: Service['environment']): string[] {
  return Object.entries(environment).flatMap(([key, value]) =>
    /(^|_)(DATABASE|DB|POSTGRES\w*|PG|SQL|DATASOURCE|JDBC)_?(CONNECTION_?)?(URL|URI|DSN|STRING|HOST|HOSTNAME)$/i.test(
      key,
    ) &&
    !ofOthers.test(key) &&
    /^\$\{\w+\}$/.test(value)
      ? [value]
      : [],
  )
}

/** @param server one of the stack's */
function unnamed(server: string): Use {
  return { server, isOutside: false, database: undefined, user: undefined, isNamed: false }
}

/** Who is labelled as a user of a database, and says nothing of which, uses the only one. */
export function shareOnly(all: readonly Draft[]): void {
  const outside = all.flatMap(({ uses }) => uses.filter(use => use.isOutside).map(({ server }) => server))
  const inside = all.filter(({ role }) => role === 'database').map(({ service }) => service.name)
  const [server, ...others] = new Set([...inside, ...outside])
  if (server === undefined || others.length > 0) return
  const use = { ...unnamed(server), isOutside: inside.length === 0 }
  for (const member of all) if (member.uses.length === 0 && isLabelled(member)) member.uses = [use]
}

/** As a user of a database. */
export function isLabelled({ service }: Pick<Member, 'service'>): boolean {
  return /^(app|migrator)$/.test(service.labels[roleLabel] ?? '')
}
