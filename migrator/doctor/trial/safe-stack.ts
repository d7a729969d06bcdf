// The stack of a trial: the files' services with nothing of this machine's, and databases that refuse every migration.

import { RefusedError } from '../../errors.ts'
import { isValues } from '../compose/merge.ts'
import type { Member, Stack } from '../model/stack.ts'

type Values = Record<string, unknown>

/**
 * Every DDL statement fails, whichever tool sends it: a migration that fails. In template1, so that databases that are
 * made later have it, too.
 */
export const brokenOnPurpose = `\\set ON_ERROR_STOP on
create function public.schemagate_doctor_fails() returns event_trigger language plpgsql as
  $$ begin raise exception 'broken on purpose by schemagate doctor --try'; end $$;
create event trigger schemagate_doctor_fails on ddl_command_start execute function public.schemagate_doctor_fails();
\\connect template1
create function public.schemagate_doctor_fails() returns event_trigger language plpgsql as
  $$ begin raise exception 'broken on purpose by schemagate doctor --try'; end $$;
create event trigger schemagate_doctor_fails on ddl_command_start execute function public.schemagate_doctor_fails();
`

/** What reaches out of a container, or would get in the way of a stack that runs here already. */
const takenAway = [
  'ports',
  'container_name',
  'network_mode',
  'privileged',
  'pid',
  'ipc',
  'devices',
  'cap_add',
  'external_links',
  'userns_mode',
  'cgroup',
  'uts',
]

/**
 * The stack as one file for Compose.
 * @param broken where {@link brokenOnPurpose} lies
 * @throws RefusedError where a service names a database's host that is no service of the file
 */
export function safeStack(stack: Stack, broken: string): Values {
  refuseOutside(stack)
  const volumes: Values = {}
  const services = Object.fromEntries(
    [...stack.members].map(([name, member]) => [name, safeService(member, volumes, broken)]),
  )
  const networks = Object.fromEntries(
    Object.entries(stack.compose.networks).map(([name, network]) => [
      name,
      isValues(network) && network.internal === true ? { internal: true } : {},
    ]),
  )
  const { secrets, configs } = stack.compose.top
  return {
    services,
    networks,
    volumes,
    ...(secrets === undefined ? {} : { secrets }),
    ...(configs === undefined ? {} : { configs }),
  }
}

function safeService(member: Member, volumes: Values, broken: string): Values {
  const { service, role } = member
  const safe: Values = { ...service.values }
  for (const key of takenAway) delete safe[key]
  // what is built would be tagged over the image of the same name
  if (safe.build != null) delete safe.image
  // a container that the host's network reached is reached by its own
  if (service.networkMode !== '' && !/^(service:|none$)/.test(service.networkMode)) safe.networks = { default: null }
  if (/^(service:|none$)/.test(service.networkMode)) safe.network_mode = service.networkMode
  const mounts = Array.isArray(safe.volumes) ? safe.volumes.filter(isValues) : []
  safe.volumes = mounts.flatMap(mount => {
    if (String(mount.source ?? '').includes('docker.sock')) return []
    const isData = role === 'database' && !/initdb\.d|\.(conf|sql|sh)$|\/etc\//.test(String(mount.target))
    if (mount.type === 'tmpfs') return [mount]
    if (mount.type === 'bind' && !isData) return [{ ...mount, read_only: true, bind: { create_host_path: false } }]
    const fresh = `${service.name}-${Object.keys(volumes).length}`.replace(/[^\w.-]/g, '-')
    volumes[fresh] = {}
    return [{ type: 'volume', source: fresh, target: mount.target }]
  })
  if (role === 'database') {
    const target = '/docker-entrypoint-initdb.d/zzzz-schemagate-doctor.sql'
    safe.volumes = [...(safe.volumes as unknown[]), { type: 'bind', source: broken, target, read_only: true }]
  }
  return escapeAll(safe) as Values
}

/** Databases of every kind: a trial on a living one would be no trial. */
const anyDatabase =
  /\b(?:jdbc:)?(postgres(?:ql)?|postgis|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|clickhouse|sqlserver|mssql|oracle|cockroachdb|nats|kafka)(?:\+\w+)?:\/\/(?:[^\s/@]*@)?(\[[^\]]*\]|[\w.${}-]+)/gi

function refuseOutside({ members, compose }: Stack): void {
  const hosts = new Set(
    [...members.values()].flatMap(({ service }) => [...service.hostNames, ...[...service.links.keys()]]),
  )
  for (const { service, uses } of members.values()) {
    const outside = uses.find(use => use.isOutside)
    if (outside) throw refusal(service.name, outside.server)
    for (const [key, value] of Object.entries(service.environment)) {
      for (const [, , host = ''] of value.matchAll(anyDatabase)) {
        if (!hosts.has(host.toLowerCase())) throw refusal(`${service.name} (${key})`, host)
      }
    }
  }
  if (compose.readBy !== 'docker compose config') {
    throw new RefusedError(
      `A trial needs what docker compose makes of the files, and that cannot be had: ${compose.notes[0] ?? ''}`,
    )
  }
}

function refusal(service: string, host: string): RefusedError {
  return new RefusedError(
    `${service} names the database host ${host}, which is no service of the file: a trial could write to a living database. Nothing was started. Try it with a database in the file.`,
  )
}

/** Compose reads a dollar sign as a variable's. */
function escapeAll(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escapeAll)
  if (isValues(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeAll(item)]))
  return value
}
