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
