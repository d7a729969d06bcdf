// A Swarm for the scenarios that need one: the engine's own, or one made before all scenarios and left after them.

import { $ } from 'zx'

export interface OwnSwarm {
  /** Why there is none, null if there is one. */
  readonly why: string | null
  /** Leaves the Swarm if it was made here. */
  leave(): Promise<void>
}

const run = $({ quiet: true, nothrow: true })

/**
 * TEST_SWARM chooses: `auto` (the default: only if the engine is in a Swarm already), `required` (makes one), `off`. An
 * engine that leaves its Swarm forgets the names of all containers that run on it, those of other projects too, until they
 * are restarted: so none is made on a user's machine unasked, and none is left while a scenario runs.
 */
export async function joinSwarm(): Promise<OwnSwarm> {
  const wish = process.env.TEST_SWARM || 'auto'
  if (!['auto', 'required', 'off'].includes(wish))
    throw new Error(`TEST_SWARM=${wish}: expected auto, required or off.`)
  const none = (why: string) => ({ why, leave: async () => {} })
  if (wish === 'off') return none('TEST_SWARM=off')
  const { stdout } = await run`docker info --format ${'{{.Swarm.ControlAvailable}}'}`
  if (stdout.trim() === 'true') return { why: null, leave: async () => {} }
  if (wish === 'auto') return none('the engine is in no Swarm; TEST_SWARM=required makes one for the test')
  const made = await run`docker swarm init --advertise-addr 127.0.0.1`
  if (made.exitCode !== 0) throw new Error(`A Swarm is required, and none could be made.\n${made.stderr}`)
  return { why: null, leave }
}

/** Not if another stack uses the Swarm by now. */
async function leave(): Promise<void> {
  if ((await run`docker stack ls --format ${'{{.Name}}'}`).stdout.trim() === '') await run`docker swarm leave --force`
}
