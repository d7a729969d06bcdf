// The refusal of a file that does not say without being run what its tool would make of it.

import { UsageError } from '../errors.ts'
import { placeAt } from '../sql/excerpt.ts'

/** `what` goes on after the place; `wayOut` is a sentence. */
export function unreadable(
  { file, source }: { readonly file: string; readonly source: string },
  offset: number,
  what: string,
  wayOut: string,
): UsageError {
  const place = placeAt(file, source, offset)
  return new UsageError(`${file}:${place.line} ${what}. ${wayOut}`, { place })
}
