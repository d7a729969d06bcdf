// Leaves others room between batches: a pause, and time for replicas to catch up.

import { setTimeout as sleep } from 'node:timers/promises'
import { ReplicaLag } from '../../run/replica-lag.ts'
import type { Run } from '../../run/run.ts'
import { formatDuration } from '../../text/durations.ts'
import type { Definition } from './definition.ts'

/** Milliseconds between two looks at replicas that are behind. */
const pollInterval = 200
/** Milliseconds of waiting for them after which it is worth a line in the log. */
const reportAfter = 1_000

/** What stands between the batches of one call: its `pause` and `maxLag`, both in milliseconds. */
export class Throttle {
  readonly #run: Run
  readonly #migration: string
  readonly #pause: number
  readonly #maxLag: number
  readonly #lag: ReplicaLag | undefined
  #isFirst = true

  constructor(run: Run, migration: string, { pause, maxLag }: Definition) {
    this.#run = run
    this.#migration = migration
    this.#pause = pause
    this.#maxLag = maxLag ?? 0
    this.#lag = maxLag === undefined ? undefined : new ReplicaLag(maxLag)
  }

  /** Waits until the next batch may begin. @param onWait called when it is replicas that it waits for. */
  async wait(onWait: () => void): Promise<void> {
    const { session, signal, log } = this.#run
    if (this.#pause > 0 && !this.#isFirst) await sleep(this.#pause, undefined, { signal })
    this.#isFirst = false
    if (!this.#lag) return
    const started = performance.now()
    let reported = false
    for (;;) {
      const behind = await this.#lag.behind(session)
      if (behind.length === 0) return
      onWait()
      if (!reported && performance.now() - started >= reportAfter) {
        reported = true
        log.warn(
          { event: 'replica-lag', migration: this.#migration, replicas: behind },
          `${this.#migration}: its next batch waits for replicas that are more than ${formatDuration(this.#maxLag)} behind: ${behind.join(', ')}`,
        )
      }
      await sleep(pollInterval, undefined, { signal })
    }
  }
}
