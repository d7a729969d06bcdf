// The errors for files and folders that cannot be read or written, with the way out.

import { statSync } from 'node:fs'
import { UsageError } from '../errors.ts'

/** `cause` is what the system said. */
export function cannotRead(path: string, cause: unknown): UsageError {
  return cannot('be read', 'Make it readable', path, cause)
}

/** The error for a path that could not be written. @param cause what the file system has thrown. */
export function cannotWrite(path: string, cause: unknown): UsageError {
  return cannot('be written', 'Make its folder writable', path, cause)
}

/** Whether there is a file or folder of that path. @throws UsageError if this user may not know. */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    throw cannotRead(path, error)
  }
}

function cannot(what: string, wayOut: string, path: string, cause: unknown): UsageError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
  const isDenied = code === 'EACCES' || code === 'EPERM'
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  // Node has this character for what is not UTF-8, and no file has the name that it gives then
  const isMisnamed = code === 'ENOENT' && path.includes('\uFFFD')
  const way = isDenied
    ? ` ${wayOut} for user ${process.getuid?.() ?? '?'}.`
    : isFull
      ? ' Make room on its disk.'
      : isMisnamed
        ? ' Its name is not valid UTF-8: rename it.'
        : code === 'EEXIST'
          ? ' Something else has made it in this moment.'
          : ''
  return new UsageError(`${path} cannot ${what} (${code}).${way}`, { cause })
}
