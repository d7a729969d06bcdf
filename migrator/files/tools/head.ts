// The top of a file, piece by piece: one regular expression for all of it would run out of stack where it is long.

/** The pieces of what stands before the first statement; a block comment is none. */
export const blankOrComment = /\s+|--[^\n]*(?:\n|$)/y

/** What is at the top of a text of such pieces; `piece` is sticky, and matches no empty text. */
export function headOf(source: string, piece: RegExp): string {
  let end = 0
  for (piece.lastIndex = 0; piece.test(source); ) end = piece.lastIndex
  return source.slice(0, end)
}
