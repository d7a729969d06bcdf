// Text for a terminal, without characters that move its cursor or change its colours: a file's name can contain them.

/** The text with control characters written as `\x1b`; line ends and tabs stay. */
export function escapeControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** JSON without them: JSON.stringify leaves DEL and those beyond ASCII, of which a terminal obeys some as it does an escape. */
export function escapeInJson(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, character => `\\u00${character.charCodeAt(0).toString(16)}`)
}

/** The same for what must stay one line: a name can contain a line end. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\n')
}
