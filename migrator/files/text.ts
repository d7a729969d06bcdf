// The text of a migration file, checked for what Postgres cannot take.

import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { readUtf8, refuseUtf16 } from './read-large.ts'

/** A file's text as {@link textOf} has it. */
export function readText(file: string): string {
  return textOf(file, readUtf8(file))
}

/**
 * A file's text without its byte-order mark. Postgres takes UTF-8 without NUL; anything else would be cut or refused.
 * @param text what was read of it, with U+FFFD for bytes that are not UTF-8: the fastest way.
 * @throws UsageError on anything else.
 */
export function textOf(file: string, text: string): string {
  refuseUtf16(file, text)
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
