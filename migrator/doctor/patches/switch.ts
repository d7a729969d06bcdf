// An overlay that switches an app's own migration off by its variable, and migrates in a one-shot.

import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import { startupOf } from '../startup/startup.ts'
import { migrationIn, migrationSwitch } from '../startup/tools.ts'
import { shellFor } from '../startup/wrappers.ts'
import { oneShotOf } from './one-shot.ts'
import type { Patch } from './patch.ts'
import { script, setUpFor } from './split.ts'

/** Images whose entrypoint cannot be seen, and their own commands that migrate and end. */
const known: readonly { image: RegExp; off: Record<string, string>; migrates: Record<string, unknown> }[] = [
  // https://miniflux.app/docs/cli.html
  {
    image: /^miniflux\/miniflux$/,
    off: { RUN_MIGRATIONS: '0' },
    migrates: { command: ['/usr/bin/miniflux', '-migrate'] },
  },
]

/** Words that switch something off, and on; empty: as if it were not set. */
const values = ['0', 'false', 'no', 'off', '', '1', 'true', 'yes', 'on']

/** Undefined where it cannot be seen what the variable does, or what would migrate in its place. */
export function switchPatch(stack: Stack, member: Member): Patch | undefined {
  const { service } = member
  const ofImage = known.find(({ image }) => service.image && image.test(service.image.repository))
  const { off, migrates } = ofImage ?? ofScript(member) ?? {}
  if (!off || !migrates) return undefined
  const name = `${service.name}-migrate`
  if (stack.members.has(name)) return undefined
  const oneShot = oneShotOf(stack.compose, service.name, migrates)
  if (!oneShot) return undefined
  return {
    services: {
      [name]: oneShot,
      [service.name]: { environment: off, depends_on: { [name]: { condition: 'service_completed_successfully' } } },
    },
  }
}

/** A script that migrates behind a test of a variable: which value keeps it from that, and what it runs. */
function ofScript({ service, startup, context, migration }: Member) {
  const step = migration?.step === undefined ? undefined : startup.steps[migration.step]
  if (!step || step.conditions.length === 0 || step.inLoop || step.isTest) return undefined
  const guarded = startup.steps.filter(({ conditions }) => conditions.join() === step.conditions.join())
  const setUp = setUpFor(startup.steps, startup.steps.indexOf(guarded[0]!))
  if (setUp === undefined || guarded.some(({ written }) => written === undefined)) return undefined
  const names = step.conditions.flatMap(one => [...one.matchAll(/\$\{?([A-Z_]\w*)/g)].map(([, name]) => name!))
  for (const name of names) {
    for (const value of values) {
      const environment = { ...service.environment, [name]: value }
      // SKIP_MIGRATIONS=0 says that it migrates, whatever the script makes of it
      if (migrationSwitch(environment)) continue
      const { steps } = startupOf({ ...service, environment }, context)
      if (steps.length === 0 || steps.some(({ text }) => migrationIn(text))) continue
      const run = [...setUp, ...guarded]
      const entrypoint = [...shellFor(run.map(({ shell }) => shell)), '-ec']
      return { off: { [name]: value }, migrates: { entrypoint, command: [script(run)] } }
    }
  }
  return undefined
}
