// A stretch of SQL as the messages that are sent: one if it is small, else several in one transaction.

import type { Unclosed } from './lexer.ts'
import { split } from './split.ts'
import type { Range, Stretch } from './step.ts'

/** Some statements of a stretch; or a COPY, whose data follows it. */
export interface Packet {
  readonly text: string
  /** The offset of the text in its file. Skipped ranges are blank in it, so that positions hold. */
  readonly start: number
  readonly data?: Range | undefined
}

/** In characters. The server keeps some fifty times a message's size in memory. */
const longestWhole = 1 << 20
const longest = 1 << 18

/** The packets in order, each made when it is requested. */
export function* packets(sql: string, stretch: Stretch): Generator<Packet, void> {
  const limit = stretch.end - stretch.start <= longestWhole ? longestWhole : longest
  let from = stretch.start
  let to = from
  let sent = 0
  const flush = (end: number): Packet[] => {
    const packet = { text: blankOut(sql, from, end, stretch.skipped), start: from }
    const packets = sent > 0 ? [packet] : []
    from = to = end
    sent = 0
    return packets
  }
  const skipped = new Set(stretch.skipped.map(({ start }) => start))
  const reading: { unclosed?: Unclosed | undefined } = {}
  for (const { start, end, next, data } of split(sql, stretch.start, stretch.end, reading)) {
    if (skipped.has(start)) {
      to = next
      continue
    }
    if (data || (sent > 0 && end - from > limit)) yield* flush(to)
    if (data) {
      yield { text: sql.slice(start, end), start, data }
      from = to = next
    } else {
      to = next
      sent++
    }
  }
  // all that follows a comment without its end would be passed over: the server has to see it, and refuses it
  if (reading.unclosed) sent++
  // up to its end: a comment after the last statement belongs to the message, too
  yield* flush(stretch.end)
}

/** The text of a stretch as it is sent, in one piece. */
export function wholeText(sql: string, { start, end, skipped }: Stretch): string {
  return blankOut(sql, start, end, skipped)
}

function blankOut(sql: string, start: number, end: number, skipped: readonly Range[]): string {
  const parts: string[] = []
  let at = start
  for (const range of skipped) {
    if (range.start < at || range.end > end) continue
    parts.push(sql.slice(at, range.start), sql.slice(range.start, range.end).replace(/\S/g, ' '))
    at = range.end
  }
  parts.push(sql.slice(at, end))
  return parts.join('')
}

/** Data in pieces of a size that can be sent. */
export function* dataPieces(sql: string, { start, end }: Range): Generator<Buffer, void> {
  const length = 1 << 16
  for (let at = start; at < end; ) {
    let until = Math.min(at + length, end)
    // never between the two units of a surrogate pair
    if (until < end && isHighSurrogate(sql.charCodeAt(until - 1))) until++
    yield Buffer.from(sql.slice(at, until))
    at = until
  }
}

/** How many bytes the data is. */
export function byteLength(sql: string, data: Range): number {
  let bytes = 0
  for (const piece of dataPieces(sql, data)) bytes += piece.length
  return bytes
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
