// One deploy or restore of a project at a time, of those from this checkout.

import { join } from 'node:path'
import { UsageError } from '../lib/command/options.ts'
import { takeLock } from '../lib/process/lock.ts'
import { root } from '../lib/root.ts'

/** Runs `work` while no other one of the project runs. @throws UsageError if one does. */
export async function exclusively<T>(project: string, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(join(root, `.schemagate/deploy-${project}.json`))
  if ('holder' in lock)
    throw new UsageError(`Another deploy or restore of ${project} is under way (process ${lock.holder.pid}).`)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}
