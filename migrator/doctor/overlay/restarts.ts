// What Compose adds to a dependency by itself, and leaves out where a file writes the dependency down.

import { isValues } from '../compose/merge.ts'
import type { Service } from '../compose/service.ts'
import type { Stack } from '../model/stack.ts'
import type { Patch } from '../patches/patch.ts'

/** The patch, with each service still restarted with what it is linked to, or shares a namespace with. */
export function withRestarts(patch: Patch, { members }: Stack): Patch {
  const services = Object.entries(patch.services).map(([name, service]) => {
    const own = members.get(name)?.service
    if (!own || !isValues(service.depends_on)) return [name, service] as const
    const dependsOn = Object.entries(service.depends_on).map(([other, dependency]) => {
      const restarts = own.dependsOn.get(other)?.restart ?? isBound(own, other)
      return [other, restarts && isValues(dependency) ? { ...dependency, restart: true } : dependency] as const
    })
    return [name, { ...service, depends_on: Object.fromEntries(dependsOn) }] as const
  })
  return { ...patch, services: Object.fromEntries(services) }
}

function isBound({ links, values }: Service, other: string): boolean {
  const shared = [values.network_mode, values.ipc, values.pid]
  return [...links.values()].includes(other) || shared.includes(`service:${other}`)
}
