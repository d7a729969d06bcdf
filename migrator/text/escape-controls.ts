// Text for a terminal, without characters that move its cursor, change its colours, or have other characters shown in another
// place than theirs: a file's name can contain them.

/**
 * The text with control characters written as `\x1b`, and with `\u202e` what ends a line or turns its direction; line
 * ends and tabs stay.
 */
export function escapeControls(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, character => {
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}

/** JSON without them: JSON.stringify leaves DEL and those beyond ASCII, of which a terminal obeys some as it does an escape. */
export function escapeInJson(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, character => `\\u00${character.charCodeAt(0).toString(16)}`)
}

/** The same for what must stay one line: a name can contain a line end. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\n')
}
