// Stopping: no new connections, requests under way are finished, and nobody's idle connection holds us up.

import type { Server, ServerResponse } from 'node:http'

export interface Drain {
  /** Resolves when the last request was answered, or after `deadline` milliseconds; then cuts what is still connected. */
  finish(deadline: number): Promise<void>
}

/**
 * Keeps count of requests. Node's own `closeIdleConnections` takes a connection that has sent nothing yet, or half a
 * request line, for a busy one: without a count, one such client keeps the process up.
 */
export function drainOf(server: Server): Drain {
  const underWay = new Set<ServerResponse>()
  let stopping: (() => void) | undefined
  server.on('request', (_request, response) => {
    underWay.add(response)
    if (stopping) response.shouldKeepAlive = false
    response.once('close', () => {
      underWay.delete(response)
      if (underWay.size === 0) stopping?.()
    })
  })
  return {
    async finish(deadline) {
      const { promise: drained, resolve } = Promise.withResolvers<void>()
      stopping = resolve
      // Clients are told not to send their next request on a connection that is about to go.
      for (const response of underWay) response.shouldKeepAlive = false
      if (underWay.size > 0) {
        const timer = setTimeout(resolve, deadline)
        await drained
        clearTimeout(timer)
      }
      server.closeAllConnections()
    },
  }
}
