// Quoting for the few statements that cannot take parameters: one message of many statements has none.

/** An SQL identifier, always quoted. @throws RangeError on a NUL character, which Postgres cannot hold. */
export function quoteIdent(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`
}

/**
 * An SQL string literal that means the same whatever `standard_conforming_strings` says.
 * @throws RangeError on a NUL character.
 */
export function quoteLiteral(text: string): string {
  const quoted = withoutNul(text).replaceAll("'", "''")
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL character cannot be sent to Postgres')
  return text
}

/** A DO block whose quoting no text inside can end. */
export function doBlock(body: string, declare = ''): string {
  let tag = '$schemagate$'
  for (let i = 0; body.includes(tag); i++) tag = `$schemagate${i}$`
  return `do ${tag} ${declare && `declare ${declare} `}begin ${body} end ${tag};`
}
