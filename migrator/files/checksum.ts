// A migration's checksum: the same on every machine and after every editor.

import { hash } from 'node:crypto'

/** The text as it counts: without a byte-order mark, with LF line ends and one last newline. */
export function normalise(text: string): string {
  const unmarked = text.startsWith('\uFEFF') ? text.slice(1) : text
  const lines = unmarked.includes('\r') ? unmarked.replaceAll('\r\n', '\n') : unmarked
  return lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`
}

/** sha256, hex, of the normalised text. */
export function checksum(text: string): string {
  return hash('sha256', normalise(text))
}
