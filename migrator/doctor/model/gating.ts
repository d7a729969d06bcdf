// Who waits for whose migration: for each database its migrators, its users, and what stands between them.

import type { Dependency } from './service.ts'
import type { Member, Stack, Use } from './stack.ts'

export interface Database {
  /** A service's name, or a host outside of the stack. */
  readonly server: string
  /** Undefined where it is outside. */
  readonly member: Member | undefined
  /** One-shots that run with every `up`. */
  readonly migrators: readonly Member[]
  /** One-shots that somebody must think of. */
  readonly byHand: readonly Member[]
  /** Applications that migrate before they serve. */
  readonly selfMigrating: readonly Member[]
  /** Applications that use it, those that migrate themselves among them. */
  readonly apps: readonly Member[]
}

interface Found {
  readonly servers: readonly Database[]
  readonly databases: readonly Database[]
}

const known = new WeakMap<Stack, Found>()

/** Every Postgres server of the stack, and those outside that its services name, with all that use it. */
export function serversOf(stack: Stack): readonly Database[] {
  return find(stack).servers
}

/** The same, each database of a server by itself: what migrates one of them is nothing to the users of another. */
export function databasesOf(stack: Stack): readonly Database[] {
  return find(stack).databases
}

function find(stack: Stack): Found {
  const found = known.get(stack) ?? findAll(stack)
  known.set(stack, found)
  return found
}

function findAll(stack: Stack): Found {
  const users = new Map<string, Member[]>()
  for (const member of stack.members.values()) {
    if (member.role === 'database') users.set(member.service.name, users.get(member.service.name) ?? [])
    for (const server of new Set(member.uses.map(use => use.server))) {
      const list = users.get(server)
      if (list) list.push(member)
      else users.set(server, [member])
    }
  }
  const servers = [...users].map(([server, members]) => toDatabase(stack, server, members))
  const databases = [...users].flatMap(([server, members]) =>
    byName(stack, server, members).map(group => toDatabase(stack, server, group)),
  )
  return { servers, databases }
}

/** Who names none uses the one that the server is made with. */
function byName(stack: Stack, server: string, members: readonly Member[]): Member[][] {
  const nameOf = ({ database }: Use) => (database === undefined || database.includes('$') ? undefined : database)
  const names = members.flatMap(({ uses }) => uses.filter(use => use.server === server).map(nameOf))
  const made = stack.members.get(server)?.service.environment
  const own = made?.POSTGRES_DB ?? made?.POSTGRESQL_DATABASE
  const usual = own !== undefined && names.includes(own) ? own : (names.find(name => name !== undefined) ?? '')
  const groups = new Map<string, Member[]>()
  for (const member of members) {
    const own = member.uses.filter(use => use.server === server).map(use => nameOf(use) ?? usual)
    for (const name of new Set(own)) groups.set(name, [...(groups.get(name) ?? []), member])
  }
  return groups.size === 0 ? [[...members]] : [...groups.values()]
}

function toDatabase(stack: Stack, server: string, members: readonly Member[]): Database {
  const apps = members.filter(({ role }) => role === 'app')
  const oneShots = members.filter(({ role }) => role === 'migrator')
  const selfMigrating = apps.filter(({ migration }) => migration?.alsoServes)
  const isByHand = (migrator: Member) => migrator.migration?.hasNoCommand === true || !runsWith(migrator, apps)
  return {
    server,
    member: stack.members.get(server),
    migrators: oneShots.filter(one => !isByHand(one)),
    byHand: oneShots.filter(isByHand),
    selfMigrating,
    apps,
  }
}

/** A migrator below a profile runs by itself only if each application is below that profile, too. */
function runsWith(migrator: Member, apps: readonly Member[]): boolean {
  const { profiles } = migrator.service
  if (profiles.length === 0 || apps.length === 0) return true
  return apps.every(
    ({ service }) => service.profiles.length > 0 && service.profiles.every(one => profiles.includes(one)),
  )
}

/** Why an application is not started before the migration has succeeded, or what keeps it. */
export type Gate =
  | { readonly kind: 'gated' }
  /** It migrates itself, or the migrator itself waits for it. */
  | { readonly kind: 'itself' }
  /** Nothing migrates the database that it uses, as far as can be seen. */
  | { readonly kind: 'not concerned' }
  | { readonly kind: 'short form'; readonly migrator: string }
  | { readonly kind: 'ungated' }

/** What stands between an application and the migrations of one database. */
export function gateOf(stack: Stack, database: Database, app: Member): Gate {
  if (app.migration?.alsoServes) return { kind: 'itself' }
  const { migrators, selfMigrating } = database
  if (migrators.length === 0 && selfMigrating.length === 0) return { kind: 'not concerned' }
  if (migrators.some(migrator => waitsFor(stack, migrator, app.service.name))) return { kind: 'itself' }
  const targets: Targets = {
    completed: new Set(migrators.map(({ service }) => service.name)),
    healthy: new Set(selfMigrating.map(({ service }) => service.name)),
  }
  if (isGated(stack, app, targets, new Map())) return { kind: 'gated' }
  const short = [...app.service.dependsOn].find(
    ([name, { condition }]) => targets.completed.has(name) && condition !== 'service_completed_successfully',
  )?.[0]
  if (short !== undefined && !stack.isSwarm) return { kind: 'short form', migrator: short }
  return { kind: 'ungated' }
}

interface Targets {
  readonly completed: ReadonlySet<string>
  readonly healthy: ReadonlySet<string>
}

/** Started only behind a migration: by its own condition, or because what it is started after is. */
function isGated(stack: Stack, member: Member, targets: Targets, seen: Map<string, boolean>): boolean {
  const { name, dependsOn } = member.service
  const before = seen.get(name)
  if (before !== undefined) return before
  seen.set(name, false)
  let gated = member.startup.steps.some(({ text }) => /\bschemagate(\.c?js)?\s+wait\b/.test(text))
  if (!stack.isSwarm) {
    for (const [target, dependency] of dependsOn) {
      if (gated) break
      gated = gates(stack, target, dependency, targets, seen)
    }
  }
  seen.set(name, gated)
  return gated
}

function gates(
  stack: Stack,
  target: string,
  { condition, required }: Dependency,
  targets: Targets,
  seen: Map<string, boolean>,
) {
  const member = stack.members.get(target)
  if (!member || !required) return false
  if (condition === 'service_completed_successfully' && targets.completed.has(target)) return true
  if (condition === 'service_healthy' && (member.role === 'gate' || targets.healthy.has(target))) return true
  if (targets.completed.has(target)) return false
  return isGated(stack, member, targets, seen)
}

/** Whether one service is started after another, however many stand between. */
export function waitsFor(stack: Stack, from: Member, name: string, seen = new Set<string>()): boolean {
  for (const target of from.service.dependsOn.keys()) {
    if (target === name) return true
    if (seen.has(target)) continue
    seen.add(target)
    const member = stack.members.get(target)
    if (member && waitsFor(stack, member, name, seen)) return true
  }
  return false
}

/**
 * Whether a service is started only once the database answers: the last step to it says so on some path, or it waits
 * until another user of the database is healthy or done.
 */
export function waitsForHealth(stack: Stack, from: Member, server: string, seen = new Set<string>()): boolean {
  for (const [target, { condition }] of from.service.dependsOn) {
    if (target === server) {
      if (condition === 'service_healthy') return true
      continue
    }
    if (seen.has(target)) continue
    seen.add(target)
    const member = stack.members.get(target)
    const isUser = member?.uses.some(use => use.server === server)
    if (isUser && condition !== 'service_started') return true
    if (member && waitsForHealth(stack, member, server, seen)) return true
  }
  return false
}
