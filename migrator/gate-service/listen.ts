// Where the gate listens: the address as it is written, and what is wrong when it cannot be had.

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UsageError } from '../errors.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/**
 * Reads `HOST:PORT`, `[::1]:PORT`, or `:PORT` for every address of the machine.
 * @throws UsageError if it is none of these.
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-f:.%\w]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535)
    throw new UsageError(`--listen is ${JSON.stringify(text)}. Write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080.`)
  return { host: match[1] ?? (match[2] || '::'), port }
}

/** Listens, and returns the address as a URL. @throws UsageError if the address is taken, or is not this machine's. */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<string> {
  server.listen({ host, port, backlog: 1_024 })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new UsageError(
      `Cannot listen on ${host}:${port}: ${why(error)} Choose another address: --listen HOST:PORT.`,
      {
        cause: error,
      },
    )
  }
  const { address, family, port: actual } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'another process listens there (EADDRINUSE).'
  if (code === 'EACCES') return 'this user may not use that port (EACCES).'
  if (code === 'EADDRNOTAVAIL') return 'it is no address of this machine (EADDRNOTAVAIL).'
  return `${error instanceof Error ? error.message : error}.`
}
