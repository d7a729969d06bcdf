// The databases of a stack and their health checks, for the rules that look at them.

import type { HealthCheck, Service } from '../compose/service.ts'
import { madeWith, type Probe, readProbe } from './database-health.ts'
import type { Member } from './member.ts'
import type { Stack } from './stack.ts'

export interface CheckedDatabase {
  readonly member: Member
  readonly service: Service
  readonly check: HealthCheck
  readonly probe: Probe
}

/** Every service that is a Postgres server. */
export function* databases(stack: Stack): Generator<Member> {
  for (const member of stack.members.values()) if (member.role === 'database') yield member
}

/** Those whose file says how they are checked; where the image's own check is kept, nothing can be said. */
export function* checkedDatabases(stack: Stack): Generator<CheckedDatabase> {
  for (const member of databases(stack)) {
    const { service } = member
    const check = service.healthcheck
    if (check === undefined || check === 'off' || check.test.length === 0) continue
    yield { member, service, check, probe: readProbe(check.test, service.environment) }
  }
}

export { madeWith }
