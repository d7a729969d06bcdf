// The answers that are the same for every path: problem documents (RFC 9457), and the headers that they share.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { PROBLEM_HEADERS, problem } from '../../gate/problem.ts'
import type { GateStatus } from '../../gate/status.ts'

/** Which state the gate is in, for a proxy that makes an answer of its own. */
export const STATE_HEADER = 'x-schemagate-state'

/** Sends a whole answer; to HEAD without its body. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    'content-length': Buffer.byteLength(body),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The answer of a closed gate. */
export function sendClosed(request: IncomingMessage, response: ServerResponse, status: GateStatus): void {
  const body = JSON.stringify(problem(status))
  send(request, response, 503, { ...PROBLEM_HEADERS, [STATE_HEADER]: status.state }, body)
}

/** A refusal that has nothing to do with the gate's state. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify({ type: 'about:blank', title, status, detail })
  send(request, response, status, { 'content-type': 'application/problem+json; charset=utf-8', ...headers }, body)
}
