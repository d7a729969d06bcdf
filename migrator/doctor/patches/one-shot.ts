// A one-shot of an app's own image: what it needs of what the app has, as it is written.

import type { Compose } from '../compose/load.ts'

const kept = [
  ...['image', 'build', 'environment', 'env_file', 'volumes', 'networks', 'secrets', 'configs', 'working_dir', 'user'],
  ...['platform', 'extra_hosts', 'network_mode', 'depends_on', 'links', 'dns', 'profiles'],
]

/** Undefined where it is not known how the app is written. @param migrates the one-shot's entrypoint and command */
export function oneShotOf(
  { written }: Compose,
  service: string,
  migrates: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  // as it is written, not as it is resolved: what comes from .env stays there
  const app = written[service]
  if (!app) return undefined
  const own = kept.map(key => [key, key === 'depends_on' ? asMap(app[key]) : app[key]] as const)
  const same = Object.fromEntries(own.filter(([, value]) => value !== undefined && value !== null))
  // by the name that Compose gives it, so that what was built for one is never older than the other's
  const image = app.build && !app.image ? { image: `\${COMPOSE_PROJECT_NAME}-${service}` } : {}
  return { ...image, ...same, restart: 'no', ...migrates }
}

/** A list of services, to which nothing could be added without taking its place. */
function asMap(dependsOn: unknown): unknown {
  if (!Array.isArray(dependsOn)) return dependsOn
  return Object.fromEntries(dependsOn.map(name => [name, { condition: 'service_started' }]))
}
