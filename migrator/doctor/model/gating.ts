// Who waits for whose migration: for each database its migrators, its users, and what stands between them.

import type { Dependency } from '../compose/service.ts'
import { isFailureIgnored } from '../startup/failure.ts'
import { isIdling } from '../startup/migrating.ts'
import { isHook } from '../startup/step.ts'
import { waitsForMigrations } from '../startup/tools.ts'
import { ownDatabase } from './known-images.ts'
import type { Member, Use } from './member.ts'
import { isThereWith } from './profiles.ts'
import type { Stack } from './stack.ts'

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
  const used = members.flatMap(({ uses }) => uses.filter(use => use.server === server))
  // with one such variable, it may be for any name
  const isTold = new Set(used.map(({ database }) => wordsOfVariable(database)).filter(Boolean)).size > 1
  const known = (name: string | undefined) =>
    name?.includes('$') ? (isTold ? wordsOfVariable(name) : undefined) : name
  const nameOf = ({ database }: Pick<Use, 'database'>) => known(database)
  // the names that products give to databases of their own are not the project's
  const names = members
    .flatMap(({ service, uses }) => (ownDatabase(service) === undefined ? uses : []))
    .filter(use => use.server === server)
    .map(nameOf)
  const made = stack.members.get(server)?.service.environment
  const own = known(made?.POSTGRES_DB ?? made?.POSTGRESQL_DATABASE)
  const usual = own !== undefined && names.includes(own) ? own : (names.find(name => name !== undefined) ?? '')
  const groups = new Map<string, Member[]>()
  for (const member of members) {
    const own = member.uses.filter(use => use.server === server).map(use => nameOf(use) ?? usual)
    for (const name of new Set(own)) groups.set(name, [...(groups.get(name) ?? []), member])
  }
  return groups.size === 0 ? [[...members]] : [...groups.values()]
}

/** What the name of a variable says of a database whose name it is: `${AUTH_DB_NAME}` is that of AUTH. */
function wordsOfVariable(database: string | undefined): string | undefined {
  const [, variable] = /^\$\{(\w+)\}$/.exec(database ?? '') ?? []
  const words = variable?.split('_').filter(word => !/^(postgres(ql)?|pg|p?sql|db|database|dbname|name)?$/i.test(word))
  return words && words.length > 0 ? `\${${words.join('_')}}` : undefined
}

function toDatabase(stack: Stack, server: string, members: readonly Member[]): Database {
  const apps = members.filter(({ role }) => role === 'app')
  const oneShots = members.filter(({ role }) => role === 'migrator')
  const selfMigrating = apps.filter(({ migration }) => migration?.alsoServes)
  const isByHand = (migrator: Member) => migrator.migration?.hasNoCommand === true || !runsWith(stack, migrator, apps)
  return {
    server,
    member: stack.members.get(server),
    migrators: oneShots.filter(one => !isByHand(one)),
    byHand: oneShots.filter(isByHand),
    selfMigrating,
    apps,
  }
}

/** A migrator below a profile runs by itself only if that is active, or each application is below it, too. */
function runsWith({ compose: { activeProfiles } }: Stack, migrator: Member, apps: readonly Member[]): boolean {
  const { profiles } = migrator.service
  if (profiles.length === 0 || apps.length === 0) return true
  if (activeProfiles.has('*') || profiles.some(profile => activeProfiles.has(profile))) return true
  return apps.every(({ service }) => isThereWith(service.profiles, profiles))
}

/** Why an application is not started before the migration has succeeded, or what keeps it. */
export type Gate =
  | { readonly kind: 'gated' }
  /** It migrates itself, or it ends before the migrator starts. */
  | { readonly kind: 'itself' }
  /** Nothing migrates the database that it uses, as far as can be seen. */
  | { readonly kind: 'not concerned' }
  | { readonly kind: 'short form'; readonly migrator: string }
  /** A migrator waits for it, and it does not end: it serves first. */
  | { readonly kind: 'before'; readonly migrator: string }
  | { readonly kind: 'ungated' }

/** What stands between an application and the migrations of one database. */
export function gateOf(stack: Stack, database: Database, app: Member): Gate {
  const { migrators, selfMigrating } = database
  const { name, dependsOn } = app.service
  if (app.migration?.alsoServes) return { kind: 'itself' }
  if (migrators.length === 0 && selfMigrating.length === 0) return { kind: 'not concerned' }
  const order = orderOf(stack, database)
  if (order.gated.has(name)) return { kind: 'gated' }
  const before = order.beforeMigrators.get(name)
  if (before) return before.ends ? { kind: 'itself' } : { kind: 'before', migrator: before.migrator }
  const short = [...dependsOn].find(
    ([other, { condition }]) =>
      condition !== 'service_completed_successfully' && migrators.some(({ service }) => service.name === other),
  )?.[0]
  return short !== undefined && !stack.isSwarm ? { kind: 'short form', migrator: short } : { kind: 'ungated' }
}

interface Order {
  /** Started only behind a migration: by their own condition, or because what they are started after is. */
  readonly gated: ReadonlySet<string>
  /** What a migrator itself waits for, directly or through others, and whether for its end. */
  readonly beforeMigrators: ReadonlyMap<string, { readonly migrator: string; readonly ends: boolean }>
}

const orders = new WeakMap<Database, Order>()

function orderOf(stack: Stack, database: Database): Order {
  const order = orders.get(database) ?? findOrder(stack, database)
  orders.set(database, order)
  return order
}

function findOrder(stack: Stack, { migrators, byHand, selfMigrating }: Database): Order {
  // one below a profile is started with what waits for it
  const oneShots = [...migrators, ...byHand.filter(({ migration }) => !migration?.hasNoCommand)]
  const completed = new Set(oneShots.map(({ service }) => service.name))
  // a one-shot that stays is healthy behind its migration, as an app is
  const staying = oneShots.filter(({ startup }) => startup.steps.some(isIdling))
  const healthy = new Set([...selfMigrating, ...staying].map(({ service }) => service.name))
  const hooked = new Set(selfMigrating.filter(migratesByHook).map(({ service }) => service.name))
  const gates = (target: string, { condition }: Dependency) =>
    hooked.has(target) ||
    (condition === 'service_completed_successfully' && completed.has(target)) ||
    (condition === 'service_healthy' && (healthy.has(target) || stack.members.get(target)?.role === 'gate'))
  const direct = [...stack.members.values()].filter(
    ({ service, startup }) =>
      startup.steps.some(({ text }, i) => waitsForMigrations(text) && !isFailureIgnored(startup.steps, i)) ||
      (!stack.isSwarm &&
        [...service.dependsOn].some(([name, dependency]) => dependency.required && gates(name, dependency))),
  )
  const gated = new Set(direct.map(({ service }) => service.name))
  if (!stack.isSwarm) spread(stack, gated, name => !completed.has(name))
  const beforeMigrators = new Map<string, { migrator: string; ends: boolean }>()
  const queue = migrators.map(({ service }) => ({ service, migrator: service.name }))
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { service, migrator } = next
    for (const [name, { condition }] of service.dependsOn) {
      const other = stack.members.get(name)
      if (!other || beforeMigrators.has(name)) continue
      beforeMigrators.set(name, { migrator, ends: condition === 'service_completed_successfully' })
      queue.push({ service: other.service, migrator })
    }
  }
  return { gated, beforeMigrators }
}

/** Compose has run it when the service counts as started. */
export function migratesByHook({ migration, startup }: Pick<Member, 'migration' | 'startup'>): boolean {
  return migration?.step !== undefined && isHook(startup.steps[migration.step]!)
}

/** Whether a service is started after another, directly or through others. */
export function waitsFor({ members }: Stack, name: string, other: string): boolean {
  const found = new Set([name])
  // a set is gone through with what is added on the way
  for (const one of found) for (const next of members.get(one)?.service.dependsOn.keys() ?? []) found.add(next)
  return name !== other && found.has(other)
}

/** Adds each service that starts after one in the set, directly or through others. */
function spread(stack: Stack, found: Set<string>, passesOn: (name: string) => boolean): void {
  const after = startedAfter(stack)
  const queue = [...found]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (!passesOn(name)) continue
    for (const next of after.get(name) ?? []) {
      if (found.has(next)) continue
      found.add(next)
      queue.push(next)
    }
  }
}

const dependents = new WeakMap<Stack, ReadonlyMap<string, readonly string[]>>()

/** For each service, those that wait for it and cannot do without. */
function startedAfter(stack: Stack): ReadonlyMap<string, readonly string[]> {
  const known = dependents.get(stack)
  if (known) return known
  const after = new Map<string, string[]>()
  for (const { service } of stack.members.values()) {
    for (const [name, { required }] of service.dependsOn) {
      if (!required) continue
      const list = after.get(name)
      if (list) list.push(service.name)
      else after.set(name, [service.name])
    }
  }
  dependents.set(stack, after)
  return after
}

/**
 * The services that are started only once the database answers: the last step to it says so on some path, or they wait
 * until another user of the database is healthy or done.
 */
export function waitingForHealth(stack: Stack, server: string): ReadonlySet<string> {
  const isUser = (name: string) => stack.members.get(name)?.uses.some(use => use.server === server) ?? false
  const direct = [...stack.members.values()].filter(({ service }) =>
    [...service.dependsOn].some(([name, { condition }]) =>
      name === server ? condition === 'service_healthy' : condition !== 'service_started' && isUser(name),
    ),
  )
  const found = new Set(direct.map(({ service }) => service.name))
  spread(stack, found, name => name !== server)
  return found
}
