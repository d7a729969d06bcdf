// Text for a terminal, without characters that move its cursor or change its colours: a file's name can contain them.

/** The text with control characters written as `\x1b`; line ends and tabs stay. */
export function escapeControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
