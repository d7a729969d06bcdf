// Reads the file that a setting names: a secret, a manifest, a certificate, a snapshot.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** In bytes: what is longer is another file, or a pipe that does not end. */
const longest = 64 << 20

/** How long a pipe that no process has open for writing is waited for, in milliseconds. */
const patience = 2_000

/**
 * The content of a file, or of a pipe that has an end, as a shell's `<(command)` is.
 * @throws Error if it cannot be read (with the system's `code`), or is a device, a pipe that nothing is written to, or has no end.
 */
export function readNamedFile(file: string): Buffer {
  // opening a pipe would wait for a writer, and no signal be heard
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const info = fstatSync(descriptor)
    if (info.isCharacterDevice() || info.isBlockDevice()) throw new Error('it is a device, and no file')
    return info.isFIFO() ? readPipe(descriptor) : readToEnd(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The same as text. @throws Error as that, and if it is UTF-16. */
export function readNamedText(file: string): string {
  return asText(readNamedFile(file))
}

/** The text in UTF-8, without the byte-order mark that editors and shells on Windows write. @throws Error if it is UTF-16. */
export function asText(bytes: Buffer): string {
  if (/^(?:fffe|feff)$/.test(bytes.toString('hex', 0, 2))) throw new Error('it is UTF-16: save it as UTF-8')
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

function readToEnd(descriptor: number, first?: Buffer): Buffer {
  const chunks = first ? [first] : []
  for (let size = first?.length ?? 0; size <= longest; size += chunks.at(-1)!.length) {
    const chunk = readChunk(descriptor)
    if (chunk.length === 0) return Buffer.concat(chunks)
    chunks.push(chunk)
  }
  throw new Error(`it has more than ${longest >> 20} MB`)
}

/** Its end, before anything was written, is that of a pipe whose writer is still to come. */
function readPipe(descriptor: number): Buffer {
  const until = Date.now() + patience
  for (;;) {
    const first = readChunk(descriptor)
    if (first.length > 0) return readToEnd(descriptor, first)
    if (Date.now() > until) throw new Error('it is a pipe, and nothing is written to it')
    pause()
  }
}

/** What comes next; nothing at the end. */
function readChunk(descriptor: number): Buffer {
  const chunk = Buffer.allocUnsafe(64 << 10)
  for (;;) {
    try {
      return chunk.subarray(0, readSync(descriptor, chunk))
    } catch (error) {
      // a pipe's writer is at work
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      pause()
    }
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
}
