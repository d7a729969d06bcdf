// What a trial that was killed has left: its project on the engine, and its folder of temporary files.

import { readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Docker } from './docker.ts'

/** What the names of a trial's project and its folder begin with; the process id of the trial is behind it. */
export const prefix = 'schemagate-doctor-'

/** Trials whose network is there, which is made first. One may run elsewhere on the same engine: they are not taken down. */
export async function otherProjects(docker: Docker): Promise<readonly string[]> {
  const label = 'com.docker.compose.project'
  const { stdout } = await docker(['network', 'ls', '--filter', `label=${label}`, '--format', `{{.Label "${label}"}}`])
  return [...new Set(stdout.split('\n').filter(name => name.startsWith(prefix)))]
}

/** What takes a trial's project down. */
export function downBy(project: string): string {
  return `docker compose -p ${project} down --volumes --remove-orphans`
}

/** A trial's project is called as its folder, in the letters that Compose takes. */
export function projectOf(folder: string): string {
  return folder.toLowerCase()
}

/** Removes the folders of trials that are over. @param projects those that are still there: their containers have its files */
export function removeFolders(projects: readonly string[], directory = tmpdir()): void {
  const found = readdirSync(directory).filter(name => name.startsWith(prefix))
  for (const name of found) {
    const [pid = ''] = /^\d+(?=-)/.exec(name.slice(prefix.length)) ?? []
    if (pid === '' || isRunning(Number(pid)) || projects.includes(projectOf(name))) continue
    try {
      rmSync(join(directory, name), { recursive: true, force: true })
    } catch {
      // another user's
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
