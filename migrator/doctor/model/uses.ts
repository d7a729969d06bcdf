// Which databases a service uses: those that its environment, its command and its dependencies name.

import { type Connection, connectionsOf } from './connections.ts'
import { isInfrastructure, isProxy, isStore, ownDatabase } from './known-images.ts'
import type { Draft, Member, Use } from './member.ts'

/** Gives each service the databases that it uses; the roles of servers and poolers are known. */
export function assignUses(members: ReadonlyMap<string, Member>): void {
  const network = new Network(members)
  for (const member of members.values() as Iterable<Draft>) {
    if (member.role === 'database' || member.role === 'other-database') continue
    if (member.service.image && isStore(member.service.image)) continue
    member.uses = usesOf(member, network)
  }
}

function usesOf(member: Member, network: Network): Use[] {
  const { service, migration } = member
  const { databases } = network
  const uses: Use[] = []
  const add = ({ server, isOutside }: Reached, connection?: Connection) => {
    const { user } = connection ?? {}
    const database = ownDatabase(service) ?? connection?.database
    const isKnown = uses.some(one => one.server === server && one.database === database)
    if (!isKnown) uses.push({ server, isOutside, database, user, isNamed: connection !== undefined })
  }
  const connections = network.connectionsOf(member)
  for (const connection of connections)
    for (const reached of network.reachedBy(connection, member)) add(reached, connection)
  const only = databases.length === 1 ? inside(databases) : []
  if (connections.length === 0 && hasPostgresVariables(member)) for (const one of only) add(one, ownNames(member))
  if (uses.length === 0) {
    const waitedFor = [...service.dependsOn.keys()].flatMap(name => network.serversAt(name, member))
    for (const reached of inside(waitedFor)) add(reached)
  }
  if (uses.length === 0 && migration && !network.hasOtherDatabase)
    for (const reached of databases.length === 0 ? unknownOutside(member) : only) add(reached)
  return uses
}

/** A server that a connection leads to. */
type Reached = Pick<Use, 'server' | 'isOutside'>

/** The stack's servers, and who reaches them by which name. */
class Network {
  readonly databases: readonly Member[]
  readonly hasOtherDatabase: boolean
  readonly #members: ReadonlyMap<string, Member>
  readonly #byHost = new Map<string, Member>()
  readonly #connections: ReadonlyMap<Member, readonly Connection[]>

  constructor(members: ReadonlyMap<string, Member>) {
    const all = [...members.values()]
    this.databases = all.filter(({ role }) => role === 'database')
    this.hasOtherDatabase = all.some(({ role }) => role === 'other-database')
    this.#members = members
    for (const member of all) for (const host of member.service.hostNames) this.#byHost.set(host, member)
    const hosts = new Set(this.#byHost.keys())
    this.#connections = new Map(
      all.map(member => {
        const { service, startup } = member
        const links = [...service.links.keys()].map(link => link.toLowerCase())
        return [
          member,
          connectionsOf(service, startup.steps, links.length === 0 ? hosts : new Set([...hosts, ...links])),
        ]
      }),
    )
  }

  connectionsOf(member: Member): readonly Connection[] {
    return this.#connections.get(member)!
  }

  /** The servers behind a host: a pooler's are those that it connects to. */
  serversAt(host: string, from: Member, seen = new Set<string>()): readonly Member[] {
    const target = this.#byHost.get(host) ?? this.#members.get(from.service.links.get(host) ?? '')
    if (!target || seen.has(target.service.name)) return []
    if (target.role === 'database') return [target]
    if (target.role !== 'pooler') return []
    seen.add(target.service.name)
    const behind = this.connectionsOf(target).flatMap(connection => this.serversAt(connection.host, target, seen))
    if (behind.length > 0) return behind
    const waitedFor = [...target.service.dependsOn.keys()].flatMap(name => this.serversAt(name, target, seen))
    return waitedFor.length > 0 ? waitedFor : this.databases.slice(0, 1)
  }

  /** Where a connection leads: to servers of the stack, or to one outside; nothing where it may be none to Postgres. */
  reachedBy({ host, port, kind }: Connection, from: Member): readonly Reached[] {
    const servers = this.serversAt(host, from)
    if (servers.length > 0) return inside(servers)
    const local = isLocal(host) ? this.#onHost(port, from) : []
    if (local.length > 0) return inside(local)
    if (kind !== 'sure' || this.#byHost.has(host)) return []
    const isUnknown = host === '' || host.includes('$')
    return isUnknown && this.databases.length === 1 ? inside(this.databases) : [{ server: host, isOutside: true }]
  }

  /** What a service finds at its own address, or at that of the machine. */
  #onHost(port: string | undefined, from: Member): readonly Member[] {
    const own = this.#networkOf(from)
    const beside = this.databases.filter(database => this.#networkOf(database) === own)
    if (beside.length > 0) return beside
    return this.databases.filter(({ service }) => service.ports.some(({ published }) => published === (port ?? '5432')))
  }

  /** The same for all that have one address: that of the machine, or of a container whose network others use. */
  #networkOf({ service: { name, networkMode } }: Member): string {
    const [, kind, other = ''] = /^(service|container):(.*)$/.exec(networkMode) ?? []
    if (kind === undefined) return networkMode === 'host' ? 'host' : `service:${name}`
    const known = kind === 'service' ? other : this.#byHost.get(other.toLowerCase())?.service.name
    return known === undefined ? networkMode : `service:${known}`
  }
}

function inside(servers: readonly Member[]): Reached[] {
  return servers.map(({ service }) => ({ server: service.name, isOutside: false }))
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|host\.docker\.internal|172\.17\.0\.1|host\.containers\.internal|\[?::1\]?)$/.test(
    host,
  )
}

/** Of a service that migrates: the database whose address only the environment of the machine has. */
function unknownOutside({ service }: Member): Reached[] {
  const [, server] =
    Object.entries(service.environment).find(
      ([key, value]) => /DATABASE_URL|POSTGRES|^PG|_DSN$|DB_URL/i.test(key) && /^\$\{|^$/.test(value),
    ) ?? []
  return server === undefined ? [] : [{ server: server || 'outside', isOutside: true }]
}

/** The variables by which every client of Postgres, or its image, is told a user and a database. */
function hasPostgresVariables({ service }: Member): boolean {
  if (service.image && (isInfrastructure(service.image) || isProxy(service.image))) return false
  const named = Object.keys(service.environment).filter(key =>
    /^(PG(USER|DATABASE|PASSWORD)|POSTGRES_(USER|DB|PASSWORD|DATABASE))$/.test(key),
  )
  return named.length >= 2 || named.some(key => /^POSTGRES_(DB|PASSWORD)$/.test(key))
}

function ownNames({ service: { environment } }: Member): Connection {
  const database = environment.PGDATABASE ?? environment.POSTGRES_DB ?? environment.POSTGRES_DATABASE
  return { host: '', port: undefined, database, user: environment.PGUSER ?? environment.POSTGRES_USER, kind: 'maybe' }
}
