// Stopping: no new connections, running requests are finished, and idle connections do not delay it. By hand:
// close-with-grace handles signals and time limits, and this is about connections, which Fastify leaves to Node.

import type { Server, ServerResponse } from 'node:http'

export interface Drain {
  /** True once the app has been told to stop: it should get no more requests. */
  readonly hasBegun: boolean
  /**
   * Begins to stop: every answer from now on ends its connection, so that none is left on which a proxy or a client sends
   * its next request just as it is closed.
   */
  begin(): void
  /** Resolves when the last request was answered, or after `deadline` milliseconds; then cuts what is still connected. */
  finish(deadline: number): Promise<void>
}

/**
 * Keeps count of requests. Node's own `closeIdleConnections` takes a connection that has sent nothing yet, or half a
 * request line, for a busy one: without a count, one such client keeps the process up.
 */
export function drainOf(server: Server): Drain {
  const underWay = new Set<ServerResponse>()
  let hasBegun = false
  let drained: (() => void) | undefined
  server.on('request', (_request, response) => {
    underWay.add(response)
    if (hasBegun) response.shouldKeepAlive = false
    response.once('close', () => {
      underWay.delete(response)
      if (underWay.size === 0) drained?.()
    })
  })
  return {
    get hasBegun() {
      return hasBegun
    },
    begin() {
      hasBegun = true
      for (const response of underWay) response.shouldKeepAlive = false
    },
    async finish(deadline) {
      const { promise, resolve } = Promise.withResolvers<void>()
      drained = resolve
      if (underWay.size > 0) {
        const timer = setTimeout(resolve, deadline)
        await promise
        clearTimeout(timer)
      }
      server.closeAllConnections()
    },
  }
}
