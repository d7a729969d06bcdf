// One deploy or restore of a project at a time on this machine.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../build-if-stale.ts'
import { isAlive, markOf, type ProcessMark } from '../processes.ts'
import { UsageError } from '../stack-options.ts'

/** Runs `work` while no other one of the project runs; what a killed one left is not in the way. @throws UsageError */
export async function exclusively<T>(project: string, work: () => Promise<T>): Promise<T> {
  const folder = join(root, '.schemagate')
  const file = join(folder, `deploy-${project}.json`)
  await mkdir(folder, { recursive: true })
  const mark = await markOf(process.pid)
  for (;;) {
    try {
      await writeFile(file, JSON.stringify(mark), { flag: 'wx' })
      break
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      const other = await readFile(file, 'utf8')
        .then((text): ProcessMark => JSON.parse(text))
        .catch(() => undefined)
      if (other && (await isAlive(other)))
        throw new UsageError(`Another deploy or restore of ${project} is under way (process ${other.pid}).`)
      await rm(file, { force: true })
    }
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}
