// Patches laid over each other.

import { isValues } from '../compose/merge.ts'
import { Override, type Patch } from './patch.ts'

/** One patch that says what all of them say; a later one wins where two differ. */
export function mergePatches(patches: readonly Patch[]): Patch {
  return patches.reduce<Patch>(
    (all, patch) => ({
      services: merge(all.services, patch.services) as Patch['services'],
      volumes: { ...all.volumes, ...patch.volumes },
    }),
    { services: {}, volumes: {} },
  )
}

function merge(below: unknown, above: unknown): unknown {
  if (!isValues(below) || !isValues(above) || above instanceof Override || below instanceof Override) return above
  const merged = new Map(Object.entries(below))
  for (const [key, value] of Object.entries(above))
    merged.set(key, merged.has(key) ? merge(merged.get(key), value) : value)
  return Object.fromEntries(merged)
}
