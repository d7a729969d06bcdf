// The migration at the start of an app, where a script of its image has it: the same command as a one-shot before the app.

import { toComposeText } from '../doctor/compose/shield.ts'
import type { Database } from '../doctor/model/gating.ts'
import type { Stack } from '../doctor/model/stack.ts'
import { script, setUpFor, splitPatch } from '../doctor/patches/split.ts'
import { shellFor } from '../doctor/startup/wrappers.ts'
import type { Choice } from './plan.ts'

/** Both undefined where doctor's own changes do: there is a one-shot, or the command is in the compose file. */
export function ownMigration(
  stack: Stack,
  { migrators, byHand, selfMigrating }: Database,
): Pick<Choice, 'way' | 'app'> {
  const none = { way: undefined, app: undefined }
  if (migrators.length + byHand.length > 0) return none
  for (const app of selfMigrating) {
    const { startup, migration } = app
    if (migration?.step === undefined || splitPatch(stack, app)) continue
    const step = startup.steps[migration.step]!
    // it ends before the app is started, as a one-shot does
    if (step.from === 'pre_start') continue
    const setUp = setUpFor(startup.steps, migration.step)
    if (setUp === undefined || step.written === undefined) continue
    const run = [...setUp, step]
    const command = setUp.length === 0 ? toComposeText(step.written) : script(run)
    const way = {
      tool: migration.tool,
      folder: '.',
      command,
      shell: shellFor(run.map(({ shell }) => shell)),
    }
    return { way, app }
  }
  return none
}
