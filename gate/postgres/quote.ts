// Quoting for the few statements that cannot take parameters: one message of many statements has none.

import { escapeIdentifier, escapeLiteral } from 'pg'

/** An SQL identifier, always quoted. @throws RangeError on a NUL character, which Postgres cannot hold. */
export function quoteIdent(name: string): string {
  return escapeIdentifier(withoutNul(name))
}

/**
 * An SQL string literal that means the same whatever `standard_conforming_strings` says.
 * @throws RangeError on a NUL character.
 */
export function quoteLiteral(text: string): string {
  return escapeLiteral(withoutNul(text))
}

// pg takes a NUL character as it is, and the protocol would end the message there.
function withoutNul(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL character cannot be sent to Postgres')
  return text
}

/** A DO block whose quoting no text inside can end. By hand: pg quotes with apostrophes only. */
export function doBlock(body: string, declare = ''): string {
  let tag = '$schemagate$'
  for (let i = 0; body.includes(tag); i++) tag = `$schemagate${i}$`
  return `do ${tag} ${declare && `declare ${declare} `}begin ${body} end ${tag};`
}
