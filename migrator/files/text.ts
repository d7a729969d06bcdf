// The text of a migration file, checked for what Postgres cannot take.

import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { readUtf8 } from './read-large.ts'

/**
 * A file's text without its byte-order mark. Postgres takes UTF-8 without NUL; anything else would be cut or refused.
 * @param isRegular see {@link readUtf8}.
 */
export function readText(file: string, isRegular = false): string {
  // the fastest way; it writes U+FFFD for bytes that are not UTF-8
  const text = readUtf8(file, isRegular)
  if (text.includes('\uFFFD') || text.includes('\0')) requireText(file, readFileSync(file))
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** @throws UsageError unless the bytes are UTF-8 without NUL. */
function requireText(file: string, bytes: Buffer): void {
  const nul = bytes.indexOf(0)
  if (nul !== -1)
    throw new UsageError(`${file} has a NUL byte at offset ${nul}; Postgres would cut the text there. Remove it.`)
  if (!isUtf8(bytes)) throw new UsageError(`${file} is not valid UTF-8. Save it as UTF-8.`)
}
