// Texts that were never meant to be read whole: a value of megabytes that a server quotes in its error.

/** In characters. */
const longest = 10_000

/** The text, or its beginning and how long it is. */
export function shorten(text: string): string {
  if (text.length <= longest) return text
  return `${text.slice(0, longest).toWellFormed()}... (${text.length.toLocaleString('en')} characters)`
}
