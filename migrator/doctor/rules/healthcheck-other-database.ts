// A health check that asks as another user, or of another database, than those that there are.

import { valueIn } from '../compose/interpolate.ts'
import type { Service } from '../compose/service.ts'
import { checkedDatabases, madeWith } from '../model/checked-databases.ts'
import type { Probe } from '../model/database-health.ts'
import type { Stack } from '../model/stack.ts'
import { healthcheckPatch } from '../patches/healthcheck.ts'
import type { Rule } from './rule.ts'

export const healthcheckOtherDatabase: Rule = {
  id: 'healthcheck-other-database',
  severity: 'warning',
  title:
    'The `-U` and `-d` of the health check are not those of POSTGRES_USER and POSTGRES_DB, or are left out where that means others.',
  why: '`pg_isready` says yes all the same, and `psql` says no for ever. Left out, the user is that of the container, the database that of the user.',
  fix: 'Take both from the container: `-U "$$POSTGRES_USER" -d "$$POSTGRES_DB"`.',
  *check(stack) {
    for (const { service, probe } of checkedDatabases(stack)) {
      if (probe.asks !== 'pg_isready' && probe.asks !== 'query') continue
      const problems = problemsOf(stack, service, probe)
      if (problems.length === 0) continue
      yield {
        service: service.name,
        path: ['healthcheck', 'test'],
        what: `The health check of ${service.name} ${problems.join(', and ')}.`,
        patch: healthcheckPatch(service),
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_USER: app
      POSTGRES_DB: employees
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U app -d employeesPg"]
`,
    passes: `services:
  db:
    image: postgres:17
    environment:
      POSTGRES_USER: app
      POSTGRES_DB: employees
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U $\${POSTGRES_USER} -d $\${POSTGRES_DB}"]
`,
  },
}

function problemsOf(stack: Stack, service: Service, probe: Probe): string[] {
  const made = madeWith(service)
  const problems: string[] = []
  const compare = (flag: string, given: string | undefined, key: string, expected: string | undefined) => {
    if (given === undefined || given === '') {
      problems.push(`leaves out ${flag}`)
      return
    }
    const asked = expand(given, service.environment, probe.hasShell)
    if (expected !== undefined && asked !== expected && !namesIt(given, key, service, probe.hasShell)) {
      problems.push(`asks with ${flag} ${asked}, and ${key} is ${expected}`)
    } else if (isHardWired(stack, service, given, key)) {
      problems.push(`has ${flag} ${given} written out, where ${key} is a variable`)
    }
  }
  compare('-U', probe.user, 'POSTGRES_USER', made.user)
  // left out, it is the one that is called as the user
  const byUser = probe.user === undefined ? undefined : expand(probe.user, service.environment, probe.hasShell)
  if (probe.database !== undefined || made.database === undefined || byUser !== made.database)
    compare('-d', probe.database, 'POSTGRES_DB', made.database)
  return problems
}

/** The word as the container's shell would make it; without a shell a variable is only its name. */
function expand(word: string, environment: Service['environment'], hasShell: boolean): string {
  if (!hasShell) return word
  return word.replace(/\$(?:\{(\w+)(?::?-((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))/g, (all, braced, fallback, plain) => {
    const value = valueIn(environment, braced ?? plain)
    return value ?? (fallback === undefined ? all : expand(fallback, environment, true))
  })
}

/** `$POSTGRES_USER` where it comes from an env file that is not here. */
function namesIt(word: string, key: string, { environment }: Service, hasShell: boolean): boolean {
  return (hasShell || environment[key] === undefined) && word.includes(key)
}

/** The same today, and no longer when the variable is set. */
function isHardWired(stack: Stack, { name }: Service, given: string, key: string): boolean {
  const raw = stack.compose.places.raw(name, ['environment', key])
  if (raw === undefined || !/\$\{?\w/.test(raw) || given.includes('$')) return false
  const { places } = stack.compose
  const test = [undefined, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(i =>
    places.raw(name, ['healthcheck', 'test', ...(i === undefined ? [] : [i])]),
  )
  return test.some(text => text !== undefined) && !test.some(text => text?.includes('$'))
}
