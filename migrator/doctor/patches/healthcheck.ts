// The health check that a database gets: over TCP, with a query, soon and patiently.

import type { Service } from '../compose/service.ts'
import { Override, type Patch } from './patch.ts'

/**
 * A variable of the container that may have one of several names, or stand in a file; a dollar sign is two, since Compose
 * reads it first.
 */
function variable(environment: Service['environment'], names: readonly string[], fallback: string): string {
  const file = names.map(name => `${name}_FILE`).find(name => environment[name] !== undefined)
  if (file !== undefined) return `$$(cat "$$${file}")`
  const there = names.find(name => environment[name] !== undefined) ?? names[0]!
  return `$\${${there}:-${fallback}}`
}

/** Replaces whatever check the service has. */
export function healthcheckPatch({ name, environment, healthcheck }: Service): Patch {
  const user = variable(environment, ['POSTGRES_USER', 'POSTGRESQL_USERNAME', 'POSTGRESQL_USER'], 'postgres')
  const database = variable(environment, ['POSTGRES_DB', 'POSTGRESQL_DATABASE'], user)
  const file = ['POSTGRES_PASSWORD_FILE', 'POSTGRESQL_PASSWORD_FILE'].find(one => environment[one] !== undefined)
  const plain = environment.POSTGRESQL_PASSWORD === undefined ? 'POSTGRES_PASSWORD' : 'POSTGRESQL_PASSWORD'
  const password = file ? `$$(cat "$$${file}")` : `$$${plain}`
  const probe = `psql -X -h 127.0.0.1 -U "${user}" -d "${database}" -Atqc "select 1"`
  const check = {
    test: ['CMD-SHELL', `PGPASSWORD="${password}" PGCONNECT_TIMEOUT=3 ${probe}`],
    interval: '10s',
    timeout: '5s',
    retries: 5,
    start_period: '60s',
    start_interval: '250ms',
  }
  // what switches the check off would stay where the two are merged
  return { services: { [name]: { healthcheck: healthcheck === 'off' ? new Override(check) : check } } }
}
