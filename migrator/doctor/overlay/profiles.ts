// An overlay that Compose takes with every choice of profiles: nothing waits for what a profile leaves out.

import { isValues } from '../compose/merge.ts'
import { isThereWith } from '../model/profiles.ts'
import type { Stack } from '../model/stack.ts'
import { type Patch, reset } from '../patches/patch.ts'

/** The patch without dependencies on services that may not be there, but for those that the project has itself. */
export function withinProfiles(patch: Patch, { members }: Stack): Patch {
  const profilesOf = (name: string): readonly string[] => {
    const own = members.get(name)?.service.profiles ?? []
    const added = patch.services[name]?.profiles
    return added === reset ? [] : Array.isArray(added) ? [...own, ...added.map(String)] : own
  }
  const services = Object.entries(patch.services).flatMap(([name, { depends_on: dependsOn, ...rest }]) => {
    const before = members.get(name)?.service.dependsOn
    const kept = isValues(dependsOn)
      ? Object.fromEntries(
          Object.entries(dependsOn).flatMap(([other, condition]) => {
            if (before?.has(other) || isThereWith(profilesOf(name), profilesOf(other))) return [[other, condition]]
            // a database may be elsewhere then, and is waited for where it is here
            const isDatabase = members.get(other)?.role === 'database' && isValues(condition)
            return isDatabase ? [[other, { ...condition, required: false }]] : []
          }),
        )
      : dependsOn
    const isEmpty = kept === undefined || Object.keys(kept as object).length === 0
    const service = isEmpty ? rest : { ...rest, depends_on: kept }
    return Object.keys(service).length === 0 ? [] : [[name, service] as const]
  })
  return { ...patch, services: Object.fromEntries(services) }
}
