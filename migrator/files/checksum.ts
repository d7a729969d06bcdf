// A migration's checksum: the same on every machine and after every editor.

import { createHash, hash } from 'node:crypto'

/** The text that is hashed: without a byte-order mark, with LF line ends and one last newline. */
export function normalise(text: string): string {
  const unmarked = text.startsWith('\uFEFF') ? text.slice(1) : text
  const lines = unmarked.includes('\r') ? unmarked.replaceAll('\r\n', '\n') : unmarked
  return lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`
}

/** A longer text is hashed in pieces, without a copy of all of it. */
const pieceLength = 1 << 20

/** sha256, hex, of the normalised text. */
export function checksum(text: string): string {
  if (text.length <= pieceLength) return hash('sha256', normalise(text))
  const sum = createHash('sha256')
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; ) {
    let end = at + pieceLength
    // never inside a line end or a character
    if (/^(?:\r\n|[\uD800-\uDBFF])/.test(text.slice(end - 1, end + 1))) end++
    sum.update(text.slice(at, end).replaceAll('\r\n', '\n'))
    at = end
  }
  if (!text.endsWith('\n')) sum.update('\n')
  return sum.digest('hex')
}
