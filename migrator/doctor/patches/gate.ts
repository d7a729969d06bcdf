// The conditions that an overlay adds to a service.

import type { Patch } from './patch.ts'

/** @param condition what the other must have reached before this one is started */
export function dependsOn(service: string, other: string, condition: string): Patch {
  return { services: { [service]: { depends_on: { [other]: { condition } } } } }
}

/** The gate itself: the service is started once the migrator has ended with 0. */
export function dependsOnCompletion(service: string, migrator: string): Patch {
  return dependsOn(service, migrator, 'service_completed_successfully')
}
