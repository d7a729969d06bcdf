// The server: limits that no client can pass, and one table of paths.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pathOf } from '../../gate/problem.ts'
import { sendProblem } from './answers.ts'
import type { Token } from './token.ts'

/** Milliseconds. A client that is slower has its connection closed. */
const HEADERS_WITHIN = 5_000
const REQUEST_WITHIN = 10_000

/** Longer than the proxies' own, so that they close first and none sends a request into a closing connection. */
const IDLE_FOR = 75_000

/** A proxy passes on the headers of its client, cookies included; and Caddy its query, in the URL and in a header. */
const MOST_HEADER_BYTES = 64 * 1024

/** More than the waiting room and the page take together, so that a health check finds room. */
const MOST_CONNECTIONS = 4_000

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface Path {
  readonly answer: Answer
  /** Answered without the token. */
  readonly isPublic?: boolean
}

/** What is known of the clients' connections. */
export interface Connections {
  readonly open: number
  readonly refused: number
}

/** Makes the server. It answers GET and HEAD, reads no body, and knows these paths alone. */
export function createHttpServer(
  paths: Readonly<Record<string, Path>>,
  token: Token | undefined,
): { readonly server: Server; readonly connections: Connections } {
  const server = createServer({
    maxHeaderSize: MOST_HEADER_BYTES,
    headersTimeout: HEADERS_WITHIN,
    requestTimeout: REQUEST_WITHIN,
    keepAliveTimeout: IDLE_FOR,
    connectionsCheckingInterval: 1_000,
  })
  server.maxConnections = MOST_CONNECTIONS
  const connections = { open: 0, refused: 0 }
  server.on('connection', socket => {
    connections.open++
    socket.once('close', () => connections.open--)
  })
  server.on('drop', () => connections.refused++)
  server.on('request', (request, response) => {
    // A client that has left needs no answer.
    response.on('error', () => {})
    if (hasBody(request)) response.shouldKeepAlive = false
    const path = Object.hasOwn(paths, pathOf(request.url)) ? paths[pathOf(request.url)] : undefined
    if (request.method !== 'GET' && request.method !== 'HEAD')
      sendProblem(request, response, 405, 'Method Not Allowed', 'Only GET and HEAD are answered.', {
        allow: 'GET, HEAD',
      })
    else if (!path) sendProblem(request, response, 404, 'Not Found', 'There are /, /ready, /live and /metrics.')
    else if (token && !path.isPublic && !token.isIn(request.headers))
      sendProblem(request, response, 401, 'Unauthorized', 'This needs the token that the gate was started with.', {
        'www-authenticate': 'Basic realm="schemagate gate", charset="UTF-8"',
      })
    else path.answer(request, response)
  })
  return { server, connections }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
