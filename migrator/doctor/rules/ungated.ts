// The applications that nothing keeps from an unmigrated database, for the two rules that speak of them.

import { type Database, databasesOf, gateOf, migratesByHook, waitsFor } from '../model/gating.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { dependsOn, dependsOnCompletion } from '../patches/gate.ts'
import { mergePatches } from '../patches/merge.ts'
import type { Patch } from '../patches/patch.ts'

export interface Ungated {
  readonly member: Member
  readonly database: Database
  /** A service that does wait, or that migrates itself. */
  readonly sibling: Member | undefined
  /** The migrator that waits for it, so that it cannot wait for the migrator. */
  readonly waitedForBy: string | undefined
  readonly patch: Patch | undefined
}

/** Each application once, at the first of its databases that is not waited for. */
export function* ungated(stack: Stack): Generator<Ungated> {
  const told = new Set<string>()
  for (const database of databasesOf(stack)) {
    const gates = database.apps.map(member => ({ member, gate: gateOf(stack, database, member) }))
    const sibling = gates.find(({ member, gate }) => gate.kind === 'gated' || member.migration?.alsoServes)?.member
    for (const { member, gate } of gates) {
      const { name } = member.service
      const waitedForBy = gate.kind === 'before' ? gate.migrator : undefined
      if ((gate.kind !== 'ungated' && gate.kind !== 'before') || told.has(name)) continue
      told.add(name)
      const patch = waitedForBy === undefined ? patchFor(stack, database, member) : undefined
      yield { member, database, sibling, waitedForBy, patch }
    }
  }
}

function patchFor(stack: Stack, database: Database, { service }: Member): Patch | undefined {
  if (stack.isSwarm) return undefined
  // where there are several, nothing says which of them it needs
  if (database.migrators.length > 0)
    return mergePatches(database.migrators.map(one => dependsOnCompletion(service.name, one.service.name)))
  // one that itself waits for this one would have both wait for ever
  const self = database.selfMigrating.find(one => !waitsFor(stack, one.service.name, service.name))
  if (self && migratesByHook(self)) return dependsOn(service.name, self.service.name, 'service_started')
  // no service can wait for an app without a health check
  const { healthcheck } = self?.service ?? {}
  const isChecked = (healthcheck !== undefined && healthcheck !== 'off') || self?.context.image?.hasHealthcheck
  return self && isChecked ? dependsOn(service.name, self.service.name, 'service_healthy') : undefined
}
