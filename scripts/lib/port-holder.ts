// Who listens on a port: so that "address already in use" can be said with a name.

import { readdir, readFile, readlink } from 'node:fs/promises'
import { $ } from 'zx'
import { commandOf } from './process/mark.ts'

/** The holder of a TCP port in words, such as `container web (nginx)` or `process 4711 (python3 -m http.server)`. */
export async function portHolder(port: number): Promise<string | undefined> {
  return (await containerOn(port)) ?? (await (process.platform === 'linux' ? fromProc(port) : fromLsof(port)))
}

async function containerOn(port: number): Promise<string | undefined> {
  const { stdout, exitCode } = await quietly`docker ps --filter publish=${port} --format ${'{{.Names}} ({{.Image}})'}`
  const name = exitCode === 0 ? stdout.trim().split('\n')[0] : undefined
  return name ? `container ${name}` : undefined
}

async function fromLsof(port: number): Promise<string | undefined> {
  const { stdout } = await quietly`lsof -nP -iTCP:${port} -sTCP:LISTEN -t`
  return describe(Number.parseInt(stdout, 10))
}

/** The kernel's table gives the socket's inode; the process is the one that has it open. */
async function fromProc(port: number): Promise<string | undefined> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const sockets = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n')) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === '0A' && local.endsWith(`:${hex}`)) sockets.add(`socket:[${inode}]`)
    }
  }
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (sockets.has(target)) return describe(Number(pid))
    }
  }
  return undefined
}

async function describe(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid)) return undefined
  const command = await commandOf(pid)
  const short = command && command.length > 80 ? `${command.slice(0, 79)}…` : command
  return short ? `process ${pid} (${short})` : `process ${pid}`
}

const quietly = $({ quiet: true, nothrow: true, timeout: '10s' })
