// Reads a file's text with few calls, and refuses a file that is too large for the memory.

import { constants, isAscii } from 'node:buffer'
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { memoryUsage } from 'node:process'
import { UsageError } from '../errors.ts'
import { cannotRead } from './cannot-read.ts'

const megabyte = 1 << 20
/** The memory is not checked for smaller files. */
const large = 8 * megabyte
/** What a run needs in addition to the text. */
const reserve = 64 * megabyte
/** What a first read takes. */
const small = 64 << 10
let firstRead: Buffer | undefined

/**
 * A file's text; bytes that are not UTF-8 become U+FFFD.
 * @param isRegular the folder's listing says that it is a regular file. A small one is then read without asking what it is.
 * @throws UsageError if it cannot be read, is no regular file, in UTF-16, or more than the process can hold.
 */
export function readUtf8(file: string, isRegular = false): string {
  try {
    const text = readWhole(file, isRegular)
    if (text.startsWith('\uFFFD\uFFFD')) refuseUtf16(file)
    return text
  } catch (error) {
    throw error instanceof UsageError ? error : cannotRead(file, error)
  }
}

/** Its byte-order mark is no UTF-8. */
function refuseUtf16(file: string): void {
  const mark = readFileSync(file).toString('hex', 0, 2)
  if (mark === 'fffe' || mark === 'feff') throw new UsageError(`${file} is UTF-16. Save it as UTF-8.`)
}

function readWhole(file: string, isRegular: boolean): string {
  const text = isRegular ? readSmall(file) : undefined
  if (text !== undefined) return text
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

/** The text of a file that fits into the first read; undefined for a larger one. */
function readSmall(file: string): string | undefined {
  firstRead ??= Buffer.allocUnsafeSlow(small)
  const descriptor = openSync(file, 'r')
  let size = 0
  try {
    // a read may give less than there is: only one that gives nothing is the end
    for (let read = -1; read !== 0 && size < small; size += read)
      read = readSync(descriptor, firstRead, size, small - size, null)
  } finally {
    closeSync(descriptor)
  }
  return size < small ? firstRead.toString('utf8', 0, size) : undefined
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
