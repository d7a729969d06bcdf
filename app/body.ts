// Request bodies: JSON in UTF-8, with no text in it that Postgres could not store.

import type { App } from './fastify.ts'
import { Problem } from './problem.ts'

/** Bytes. The longest ticket is 20,000 characters, each up to four bytes, or six as an escape. */
export const bodyLimit = 160 * 1024

/** JSON is the only body that this server reads; anything else is a 415. */
export function acceptOnlyJson(app: App): void {
  // By default, bytes that are not UTF-8 silently become U+FFFD, and "text/plain" is read too.
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      return done(new Problem(415, `A body may not be encoded as "${encoding}".`))
    const text = decode(body)
    if (text === undefined) return done(new Problem(400, 'The body is not valid UTF-8.'))
    parseJson(request, text, (error, value) => {
      if (error) return done(error)
      if (hasUnstorableText(value))
        return done(new Problem(400, 'The body has text with a NUL character or half a surrogate pair.'))
      done(null, value)
    })
  })
}

function decode(body: string | Buffer): string | undefined {
  try {
    return typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}

/** Postgres stores every character but NUL, and half a surrogate pair is none. No recursion: nesting may be deep. */
function hasUnstorableText(value: unknown): boolean {
  const rest = [value]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === 'string') {
      if (next.includes('\0') || !next.isWellFormed()) return true
    } else if (typeof next === 'object' && next !== null) {
      for (const entry of Object.entries(next)) rest.push(...entry)
    }
  }
  return false
}
