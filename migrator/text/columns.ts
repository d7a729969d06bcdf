// How many columns of a terminal a text takes.

const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

/** Of one character: East Asian wide characters and emoji take two columns, marks none. */
export function columnsOf(character: string): 0 | 1 | 2 {
  if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** As much of a text without control characters as fits. */
export function cutToColumns(text: string, columns: number): string {
  let cut = ''
  let left = columns
  for (const character of text) {
    left -= columnsOf(character)
    if (left < 0) break
    cut += character
  }
  return cut
}
