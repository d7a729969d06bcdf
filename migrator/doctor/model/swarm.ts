// Whether a file is meant for `docker stack deploy`.

import type { Compose } from '../compose/load.ts'
import { isValues } from '../compose/merge.ts'

/** `docker stack deploy` reads other keys than `up`; only where several of them are there is it meant. */
export function looksLikeSwarm({ services, networks }: Compose): boolean {
  const overlay = Object.values(networks).some(
    network =>
      typeof network === 'object' && network !== null && (network as { driver?: unknown }).driver === 'overlay',
  )
  const swarmKeys = ['placement', 'update_config', 'rollback_config', 'endpoint_mode', 'mode', 'labels']
  const count = Object.values(services).filter(({ deploy }) => {
    return isValues(deploy) && swarmKeys.some(key => !isEmpty(deploy[key]))
  }).length
  // a Swarm takes neither fixed names nor conditions: who writes them means `up`
  const isForUp = Object.values(services).some(
    ({ container_name, depends_on }) =>
      container_name !== undefined ||
      (isValues(depends_on) &&
        Object.values(depends_on).some(
          one => isValues(one) && (one.condition ?? 'service_started') !== 'service_started',
        )),
  )
  return count > 0 && (overlay || (count * 2 >= Object.keys(services).length && !isForUp))
}

/** docker compose config writes `placement: {}` where there is none. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}
