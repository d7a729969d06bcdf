// One line for each request, when it is answered. Health checks come all the time, so theirs is for debugging.

import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/** In place of Fastify's own two lines a request. */
export class RequestLog extends LogController {
  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const line = {
      event: 'request',
      method: request.method,
      // Without the query string: what it holds is the caller's business.
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      ...(error && { err: error }),
    }
    if (request.url.startsWith('/health')) request.log.debug(line)
    else request.log.info(line)
  }
}
