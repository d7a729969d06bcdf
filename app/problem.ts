// The answer to a request that failed: problem+json (RFC 9457), without internal details.

import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifySchemaValidationError } from 'fastify'
import { patternNames } from './schemas.ts'

/** One thing that is wrong with a request: where (a JSON pointer into that part of it) and what. */
export interface Fault {
  readonly in: string
  readonly at: string
  readonly message: string
}

/** Thrown anywhere below a route to answer with a problem. `headers` go out with it. */
export class Problem extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly Fault[] | undefined
  constructor(
    status: number,
    detail: string,
    extra: { headers?: Record<string, string>; errors?: readonly Fault[]; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause })
    this.status = status
    this.headers = extra.headers ?? {}
    this.errors = extra.errors
  }
}

/** At most this many faults are listed: a body may have thousands. */
const mostFaults = 20

/** The problem as it goes over the wire. */
export function problemBody({ status, message, errors }: Pick<Problem, 'status' | 'message' | 'errors'>): string {
  return JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
    errors,
  })
}

/** Answers with a problem. Sent as text, so that no route's response schema drops a part of it. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(problemBody(problem))
}

const partNames: Readonly<Record<string, string>> = { params: 'path', querystring: 'query' }

/** What a schema found wrong, for the sender to read. `context` is Fastify's name for the part of the request. */
export function invalid(context: string, found: readonly FastifySchemaValidationError[]): Problem {
  const part = partNames[context] ?? context
  const errors = found.slice(0, mostFaults).map(fault => ({ in: part, at: fault.instancePath, message: reason(fault) }))
  const first = errors[0]
  const detail = first ? `The request's ${part} is not valid: ${`${first.at} ${first.message}`.trim()}.` : 'Not valid.'
  return new Problem(400, detail, { errors })
}

function reason(fault: FastifySchemaValidationError): string {
  const { additionalProperty, allowedValues, pattern } = fault.params
  if (typeof pattern === 'string') return `must be ${patternNames.get(pattern) ?? `text that matches ${pattern}`}`
  if (typeof additionalProperty === 'string') return `has the unknown property "${additionalProperty.slice(0, 100)}"`
  if (Array.isArray(allowedValues)) return `must be one of ${allowedValues.join(', ')}`
  return fault.message ?? 'is not valid'
}
