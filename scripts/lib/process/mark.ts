// What runs under a process id: so that nothing is ever killed that only inherited the number.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The command line of a living process, undefined if there is none (a zombie counts as none). */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return text === '' ? undefined : text.replaceAll('\0', ' ').trim()
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', `${pid}`])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

/** A process as it can be found again: its id alone may be another's by then. */
export interface ProcessMark {
  readonly pid: number
  readonly startedAt: string
}

/** Marks a living process; undefined if there is none. */
export async function markOf(pid: number): Promise<ProcessMark | undefined> {
  const startedAt = await startOf(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** Whether the process that was marked is still alive. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await startOf(mark.pid)) === mark.startedAt
}

/**
 * Sends `signal` to a marked process and waits for its end; if it is still there after `timeout` milliseconds, sends
 * `insist`. Returns false if it was gone already.
 */
export async function endProcess(
  mark: ProcessMark,
  signal: NodeJS.Signals,
  insist: NodeJS.Signals = 'SIGKILL',
  timeout = 15_000,
): Promise<boolean> {
  if (!(await isAlive(mark))) return false
  const deadline = Date.now() + timeout
  let next: NodeJS.Signals | undefined = signal
  while (await isAlive(mark)) {
    if (next) tell(mark.pid, next)
    next = undefined
    await new Promise(resolve => setTimeout(resolve, 25))
    if (Date.now() > deadline) next = insist
  }
  return true
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** When a process started, as text that no other process with its number has. A zombie has ended. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (stat === undefined) return undefined
    // The name in the second field may hold spaces and brackets; the state follows it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    return `${boot} ${fields[19]}`
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', `${pid}`])
    const text = stdout.trim()
    return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
