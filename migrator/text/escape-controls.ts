// Text for a terminal: what would move its cursor or change its colours is shown instead of sent.

/** The text with its control characters spelt out; line ends and tabs stay. A file's name may hold any of them. */
export function escapeControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
