// The stack of a trial: the files' services, with nothing of this machine's that they could change or be mistaken for.

import { asList, isValues } from '../compose/merge.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { scriptTarget } from './broken-migration.ts'

type Values = Record<string, unknown>

/** What reaches out of a container, or would get in the way of a stack that runs here already. */
const takenAway = [
  ...['ports', 'container_name', 'network_mode', 'external_links', 'volumes_from', 'mac_address', 'logging'],
  ...['privileged', 'pid', 'ipc', 'uts', 'userns_mode', 'cgroup', 'cgroup_parent', 'devices', 'cap_add'],
  // a proxy or a scheduler that watches this engine would take the containers for the living ones
  ...['labels', 'annotations'],
]
/** The same for proxies that watch the environment. */
const watchedVariables = /^(VIRTUAL|LETSENCRYPT)_\w+$/

/**
 * The stack as one file for Compose.
 * @param broken the file that has a server refuse every migration
 */
export function safeStack({ members, compose }: Stack, broken: string): Values {
  const volumes: Values = {}
  const services = Object.fromEntries(
    [...members].map(([name, member]) => [name, safeService(member, volumes, broken)]),
  )
  // no way out of any: what a service would send, and to whom, cannot be seen in a file
  const networks = Object.fromEntries(
    ['default', ...Object.keys(compose.networks)].map(name => [name, { internal: true }]),
  )
  const { secrets, configs } = compose.top
  return {
    services,
    networks,
    volumes,
    ...(secrets === undefined ? {} : { secrets }),
    ...(configs === undefined ? {} : { configs }),
  }
}

function safeService({ service, role }: Member, volumes: Values, broken: string): Values {
  const safe: Values = { ...service.values }
  for (const key of takenAway) delete safe[key]
  for (const key of ['pre_start', 'post_start'] as const) if (safe[key] != null) safe[key] = safeHooks(safe[key])
  // what is built would be tagged over the image of the same name
  if (safe.build != null) delete safe.image
  if (/^(service:|none$)/.test(service.networkMode)) safe.network_mode = service.networkMode
  else safe.networks = safeNetworks(service.networkMode === '' ? safe.networks : undefined)
  if (isValues(safe.environment)) {
    safe.environment = Object.fromEntries(
      Object.entries(safe.environment).filter(([name]) => !watchedVariables.test(name)),
    )
  }
  const mounts = Array.isArray(safe.volumes) ? safe.volumes.filter(isValues) : []
  safe.volumes = mounts.flatMap(mount => safeMount(mount, service.name, role, volumes))
  if (role === 'database') {
    const script = { type: 'bind', source: broken, target: scriptTarget, read_only: true }
    safe.volumes = [...(safe.volumes as unknown[]), script]
  }
  return escapeAll(safe) as Values
}

function safeHooks(hooks: unknown): unknown[] {
  return asList(hooks).map(hook => (isValues(hook) ? { ...hook, privileged: false } : hook))
}

/** By which names it is reached, without addresses: they belong to the networks of the files. */
function safeNetworks(networks: unknown): Values {
  if (!isValues(networks)) return { default: null }
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => [
      name,
      isValues(network) && network.aliases !== undefined ? { aliases: network.aliases } : null,
    ]),
  )
}

/**
 * A volume is a new one of the trial's, shared as in the files; what is bound is read-only; a database's data is new in
 * either case.
 */
function safeMount(mount: Values, service: string, role: Member['role'], volumes: Values): Values[] {
  const target = String(mount.target)
  if (/docker\.sock|podman\.sock/.test(String(mount.source ?? ''))) return []
  if (mount.type === 'tmpfs') return [{ type: 'tmpfs', target }]
  const isDatabase = role === 'database' || role === 'other-database'
  const isData = isDatabase && !/initdb\.d|\.(conf|cnf|sql|sh|crt|key|pem)$|\/etc\//.test(target)
  if (mount.type === 'bind' && !isData)
    return [{ type: 'bind', source: mount.source, target, read_only: true, bind: { create_host_path: false } }]
  const isShared = mount.type === 'volume' && typeof mount.source === 'string'
  const name = (isShared ? String(mount.source) : `${service}${target}`).replace(/[^\w.-]/g, '-')
  volumes[name] = {}
  return [{ type: 'volume', source: name, target }]
}

/** Compose reads a dollar sign as a variable's. */
function escapeAll(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escapeAll)
  if (isValues(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeAll(item)]))
  return value
}
