// Finds a TCP port on 127.0.0.1 that nothing listens on.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below those that the kernel gives to connections: one of these could have a port before it is used. */
const [lowest, highest] = [10_000, 32_767]

/** A port that was free a moment ago. Another process can take it first: the caller must be ready to ask again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest + 1)
    if (await isPortFree(port)) return port
  }
}

/** Whether `port` can be bound on `host` now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
