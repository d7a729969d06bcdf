// Errors in bytes that are not a valid HTTP request. There is no request object to answer, so the socket is written to.

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { problemBody } from './problem.ts'

/** Fastify's `clientErrorHandler`. */
export function answerWireError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, message] = whatIsWrong(error.code)
  const body = problemBody({ status, message, errors: undefined })
  if (socket.writable)
    socket.write(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        'content-type: application/problem+json; charset=utf-8',
        `content-length: ${Buffer.byteLength(body)}`,
        'cache-control: no-store',
        'connection: close',
        '',
        body,
      ].join('\r\n'),
    )
  socket.destroy(error)
}

function whatIsWrong(code: string | undefined): [status: number, message: string] {
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'The URL and the headers together are too long.']
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request took too long to arrive.']
  return [400, 'This is not a valid HTTP request.']
}
