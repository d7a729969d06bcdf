// Reads a file's text, and refuses a file that is too large for the memory.

import { constants, isAscii } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { memoryUsage } from 'node:process'
import { UsageError } from '../errors.ts'
import { cannotRead } from './cannot-read.ts'

export const megabyte = 1 << 20
/** Bytes of a file for which the memory is not checked. */
export const large = 8 * megabyte
/** What a run needs in addition to the text. */
const reserve = 64 * megabyte

/**
 * A file's text; bytes that are not UTF-8 become U+FFFD.
 * @throws UsageError if it cannot be read, is no regular file, in UTF-16, or more than the process can hold.
 */
export function readUtf8(file: string): string {
  try {
    const text = readWhole(file)
    refuseUtf16(file, text)
    return text
  } catch (error) {
    throw error instanceof UsageError ? error : cannotRead(file, error)
  }
}

/** Its byte-order mark is no UTF-8. @throws UsageError */
export function refuseUtf16(file: string, text: string): void {
  if (!text.startsWith('\uFFFD\uFFFD')) return
  const mark = readFileSync(file).toString('hex', 0, 2)
  if (mark === 'fffe' || mark === 'feff') throw new UsageError(`${file} is UTF-16. Save it as UTF-8.`)
}

function readWhole(file: string): string {
  const info = statSync(file)
  // opening a fifo waits for a writer, and a device has no end
  if (!info.isFile())
    throw new UsageError(
      `${file} is not a regular file, nor a link to one. Remove it from the migrations folder, or put a file there.`,
    )
  const { size } = info
  if (size <= large) return readFileSync(file, 'utf8')
  if (size > constants.MAX_STRING_LENGTH)
    throw new UsageError(
      `${file} has ${inMegabytes(size)}; a migration can have at most ${inMegabytes(constants.MAX_STRING_LENGTH)}. Split it into several files.`,
    )
  // its bytes, and its text: one byte for each character if all are ASCII, else two
  requireMemory(file, size, 2 * size)
  const bytes = readFileSync(file)
  if (isAscii(bytes)) return bytes.toString('latin1')
  requireMemory(file, size, 2 * size)
  return bytes.toString('utf8')
}

/** Without enough memory the kernel would kill the process, with no message. */
function requireMemory(file: string, size: number, needed: number): void {
  const constrained = process.constrainedMemory()
  const limit = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  const total = memoryUsage.rss() + needed + reserve
  if (total > limit)
    throw new UsageError(
      `${file} has ${inMegabytes(size)}, which needs about ${inMegabytes(total)} of memory; the migrator has ${inMegabytes(limit)}. ` +
        'Raise the memory limit (mem_limit, resources.limits.memory), or split the file.',
    )
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / megabyte)} MB`
}
