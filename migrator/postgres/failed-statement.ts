// Which statement an error of the server's is about: pg's errors do not say it.

import { toOffset } from '../sql/excerpt.ts'
import { split } from '../sql/split.ts'
import { hideSecrets, redactor, secretsIn } from '../text/redact.ts'

interface Sent {
  readonly text: string
  /** How many of its statements were completed. */
  readonly completed: number
}

const sent = new WeakMap<Error, Sent>()

/** Notes what was sent when the server answered with this error, which then quotes no password of that text. */
export function noteSent(error: unknown, text: string, completed = 0): void {
  if (!(error instanceof Error) || sent.has(error)) return
  sent.set(error, { text, completed })
  const secrets = secretsIn(text.slice(0, longestText))
  if (secrets.length > 0) hideIn(error, redactor(secrets))
}

/** What is longer is mostly data. */
const longestText = 1 << 20

function hideIn(error: Error, redact: (text: string) => string): void {
  for (const field of ['message', 'detail', 'hint', 'where', 'stack']) {
    const value: unknown = Reflect.get(error, field)
    if (typeof value === 'string') Reflect.set(error, field, redact(value))
  }
}

const longestStatement = 200

/** The statement that failed, shortened to a line and without passwords; undefined if it is not known. */
export function failedStatement(error: Error): string | undefined {
  const message = sent.get(error)
  return message && statementAt(message.text, message.completed, positionIn(error, message.text))
}

/** The statement of a text at an offset, or the nth from 0; shortened. */
export function statementAt(text: string, nth: number, offset?: number): string | undefined {
  let at = 0
  for (const { start, end } of split(text)) {
    if (offset === undefined ? at === nth : offset < end) return shorten(text.slice(start, end))
    at++
  }
  return undefined
}

function positionIn(error: Error, text: string): number | undefined {
  const position: unknown = Reflect.get(error, 'position')
  return typeof position === 'string' ? toOffset(text, Number(position)) : undefined
}

function shorten(statement: string): string {
  const line = hideSecrets(statement.slice(0, 10 * longestStatement))
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > longestStatement ? `${line.slice(0, longestStatement)}...` : line
}

/**
 * The function of the database's whose body raised the error, from the error's context: a trigger's, an event trigger's.
 * Our own DO blocks have no name.
 */
export function raisingFunction(error: Error): string | undefined {
  const where: unknown = Reflect.get(error, 'where')
  if (typeof where !== 'string') return undefined
  for (const [, name] of where.matchAll(
    /^(?:PL\/\w+|SQL) function "?(.+?)"?(?: line \d.*| statement \d+| during .*)?$/gim,
  ))
    if (name && !name.startsWith('inline_code_block')) return name
  return undefined
}
