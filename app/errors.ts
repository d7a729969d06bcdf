// Turns a thrown error into a problem: a caller's mistake is explained, a fault of the app is logged whole and not shown.

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { GateClosedError } from 'schemagate-gate'
import { bodyLimit } from './body.ts'
import { invalid, Problem, sendProblem } from './problem.ts'

/** SQLSTATEs of values that Postgres does not take: all of class 22 (bad text, date, number), and a broken check. */
const isRefusedInput = (code: string) => /^22...$/.test(code) || code === '23514'

/** SQLSTATEs and socket errors that say "not now": the same request may well succeed in a moment. */
const passing = new Set(['57014', '57P01', '57P02', '57P03', '53300', '55P03', '40001', '40P01', '25006'])
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
])

/** SQLSTATEs of a schema or a database that this app was not built for, or may not use: the gate decides on them. */
const notOurs = new Set(['42P01', '42703', '42883', '3F000', '42501', '28000', '28P01', '3D000'])

/** Fastify's words for these repeat the whole URL, or explain a setting. */
const plainWords: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The path is not validly percent-encoded.',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is too long.',
  FST_ERR_CTP_BODY_TOO_LARGE: `A body has at most ${bodyLimit} bytes.`,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'A body must be application/json.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
}

const retrySoon = { 'retry-after': '1' }

/** Fastify's error handler. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  return sendProblem(reply, problem)
}

/** The answer to a thrown error. An unknown error is a 500 without details. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  // A new connection led to another schema than the one before: the guard of the pool refuses it.
  if (error instanceof GateClosedError) return new Problem(503, error.status.detail, { headers: retrySoon })
  if (!(error instanceof Error)) return new Problem(500, 'Something went wrong on our side.', { cause: error })
  if (isFastifyError(error)) {
    if (error.validation) return invalid(error.validationContext ?? 'body', error.validation)
    if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
      return new Problem(error.statusCode, plainWords[error.code] ?? error.message, { cause: error })
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (isRefusedInput(code)) return new Problem(400, 'The database does not take one of these values.', { cause: error })
  if (notOurs.has(code) || passing.has(code) || unreachable.has(code) || isLostConnection(error))
    return new Problem(503, 'The database cannot answer right now.', { cause: error, headers: retrySoon })
  return new Problem(500, 'Something went wrong on our side.', { cause: error })
}

function isFastifyError(error: Error): error is FastifyError {
  return 'statusCode' in error || 'validation' in error
}

/** pg's own errors of a pool or a connection have no code, only these words. */
function isLostConnection(error: Error): boolean {
  return /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/.test(
    error.message,
  )
}
