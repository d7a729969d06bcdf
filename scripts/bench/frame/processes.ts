// What a process takes from its start to its end: time on the wall, and time of a processor.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Sample } from './contenders.ts'

/** Bash's `time` reads what the kernel counted for the child and for what that child waited for; Node has no such call. */
const timed = `TIMEFORMAT='%R %U %S'; time "$@" 2>&3 3>&-`

/** Runs a program to its end, in milliseconds. @throws Error if its exit code is not 0. */
export async function runTimed(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Sample<'wall' | 'cpu'>> {
  const { NODE_OPTIONS: _, ...clean } = process.env
  const child = spawn('bash', ['-c', timed, 'bash', program, ...args], {
    env: { ...clean, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'inherit'],
  })
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')])
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  const [wall, user, system] = said
    .trim()
    .split(' ')
    .map(seconds => Number(seconds.replace(',', '.')) * 1_000)
  return { wall: wall!, cpu: user! + system! }
}

/** Milliseconds of processor time that a running process has taken, all its threads together. On Linux. */
export async function cpuOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const taken = await Promise.all(
    threads.map(async thread =>
      Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ')[0]),
    ),
  )
  return taken.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6
}

/** Milliseconds of processor time of a process and of its children, by process id. On Linux. */
export async function cpuOfFamily(pid: number): Promise<ReadonlyMap<number, number>> {
  const pids = [pid, ...(await childrenOf(pid))]
  // one may have ended by now
  const taken = await Promise.all(pids.map(async id => [id, await cpuOf(id).catch(() => 0)] as const))
  return new Map(taken)
}

/** The processes that a process has started and that still run. On Linux. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')
  return children.split(' ').filter(Boolean).map(Number)
}
