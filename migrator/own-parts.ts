// A part of schemagate's own that is loaded when it is first needed, and is gone by then: the package was replaced or removed
// in the middle of a run.

import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from './errors.ts'
import { here } from './text/pages.ts'

/** The failure of a run that needed such a part; undefined for any other error. */
export function lackingPart(error: unknown): UsageError | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = Reflect.get(error, 'code')
  if (code !== 'ENOENT' && code !== 'ERR_MODULE_NOT_FOUND') return undefined
  const file = code === 'ENOENT' ? Reflect.get(error, 'path') : pathOf(Reflect.get(error, 'url'))
  if (typeof file !== 'string' || dirname(file) !== here) return undefined
  return new UsageError(
    `A part of schemagate itself is gone: ${file}. The package was replaced or removed while this run used it, or is not whole. ` +
      'What was not committed is rolled back. Install it again if it is not there, and run it again.',
    { cause: error },
  )
}

function pathOf(url: unknown): string | undefined {
  return typeof url === 'string' && url.startsWith('file:') ? fileURLToPath(url) : undefined
}
