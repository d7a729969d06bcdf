// Stopping: no new connections, requests under way are finished, and nobody's idle connection holds us up.

import type { Server } from 'node:http'

export interface Drain {
  /** Resolves when the last request has been answered or `deadline` milliseconds have passed; then cuts all connections. */
  finish(deadline: number): Promise<void>
}

/**
 * Counts requests. Node's own `closeIdleConnections` takes a connection that has sent nothing yet, or half a request
 * line, for a busy one: without a count, one such client keeps the process up.
 */
export function drainOf(server: Server): Drain {
  let underWay = 0
  let idle = () => {}
  server.on('request', (_request, response) => {
    underWay++
    response.once('close', () => {
      underWay--
      if (underWay === 0) idle()
    })
  })
  return {
    async finish(deadline) {
      if (underWay > 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        idle = resolve
        const timer = setTimeout(resolve, deadline)
        await promise
        clearTimeout(timer)
      }
      server.closeAllConnections()
    },
  }
}
