// A lock that one living process holds: a file that names it. What a killed one left is taken over.

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, markOf, type ProcessMark } from './mark.ts'

/** Taken, or held by another process. */
export type Lock = { readonly release: () => Promise<void> } | { readonly holder: ProcessMark }

/** Takes the lock that is the file `file`, if no other living process has it. */
export async function takeLock(file: string): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true })
  const mine = `${file}.${process.pid}`
  await writeFile(mine, JSON.stringify(await markOf(process.pid)))
  try {
    for (;;) {
      try {
        // A link instead of a new file: the lock never exists without its holder's name.
        await link(mine, file)
        return { release: () => rm(file, { force: true }) }
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      }
      const holder = await livingHolder(file)
      if (holder) return { holder }
      await removeLeft(file)
    }
  } finally {
    await rm(mine, { force: true })
  }
}

/** Removes what a killed one left: one process at a time, which looks again, or it would remove the lock of the next holder. */
async function removeLeft(file: string): Promise<void> {
  const turn = await takeLock(`${file}.left`)
  if ('holder' in turn) return void (await sleep(10))
  try {
    if (!(await livingHolder(file))) await rm(file, { force: true })
  } finally {
    await turn.release()
  }
}

async function livingHolder(file: string): Promise<ProcessMark | undefined> {
  const holder = await readHolder(file)
  return holder && (await isAlive(holder)) ? holder : undefined
}

async function readHolder(file: string): Promise<ProcessMark | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
