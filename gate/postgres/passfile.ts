// libpq's password file: a line for each server, `host:port:database:user:password`.
// https://www.postgresql.org/docs/current/libpq-pgpass.html

import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Endpoint, Target } from './target.ts'

/**
 * The password for an endpoint of a target: the target's own, else that of the first line that fits. As in libpq a file
 * that is not there, is none (a pipe would be waited for), or that others may read, is passed over.
 */
export function passwordFor(target: Target, { host, name, port }: Endpoint): string | undefined {
  if (target.password !== undefined) return target.password
  const lines = linesOf(target.passFile ?? join(homedir(), '.pgpass'))
  // libpq: localhost stands for the default Unix socket, too; one elsewhere is named by its folder
  const wanted = [name ?? host, String(port), target.database, target.user]
  for (const line of lines) {
    const fields = /^((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):(.*)$/.exec(line)?.slice(1)
    if (!fields) continue
    const [password, ...keys] = [plain(fields.pop()!), ...fields]
    if (keys.every((key, i) => key === '*' || plain(key) === wanted[i])) return password
  }
  return undefined
}

function plain(field: string): string {
  return field.replace(/\\(.)/g, '$1')
}

function linesOf(file: string): string[] {
  try {
    const info = statSync(file)
    if (!info.isFile() || (info.mode & 0o077) !== 0) return []
    return readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter(line => !line.startsWith('#'))
  } catch {
    return []
  }
}
