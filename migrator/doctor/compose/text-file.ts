// The text of a file that is named as a compose file.

import { isUtf8 } from 'node:buffer'
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { readNamedFile } from '../../../gate/postgres/read-file.ts'
import { UsageError } from '../../errors.ts'

/** A whole stack in one text; more is somebody's mistake. */
const largestFile = 64 * 1024 * 1024

/**
 * Reads it.
 * @param name as it was named
 * @throws UsageError where it cannot be read, or is no text in UTF-8
 */
export function readText(name: string, path: string): string {
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) throw new UsageError(`${name} is a folder. Name the compose file in it.`)
    if (stat.isCharacterDevice() || stat.isBlockDevice()) throw new UsageError(`${name} is a device, and no file.`)
    if (stat.size > largestFile) throw new UsageError(`${name} has ${stat.size} bytes: that is no compose file.`)
    return asText(name, readNamedFile(path))
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this user may not read it' : message
    throw new UsageError(`${basename(name) === name ? name : path} cannot be read: ${why}.`)
  }
}

/** @throws UsageError where it is no text in UTF-8 */
export function asText(name: string, bytes: Buffer): string {
  const zero = bytes.indexOf(0)
  const isWide = /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))
  if (isWide) throw new UsageError(`${name}:1:1: this is UTF-16, and a compose file is UTF-8. Save it as that.`)
  if (zero >= 0 || !isUtf8(bytes)) throw new UsageError(`${name}:1:1: this is no text in UTF-8, and no compose file.`)
  return bytes.toString('utf8')
}
