// Migrations that are plain to see and were not read: only a whole compiler reads all of a language.

import type { CodeToken } from '../../text/code-tokens.ts'
import { unreadable } from '../unreadable.ts'

/**
 * @param sign what is before the word with which a migration begins a line.
 * @throws UsageError where that word is none of the tokens: it is taken for a comment, or for part of a string.
 */
export function refuseMissed(
  module: { readonly file: string; readonly source: string },
  tokens: readonly CodeToken[],
  sign: RegExp,
): void {
  const starts = new Set(tokens.map(({ start }) => start))
  for (const { index, 0: before } of module.source.matchAll(sign))
    if (!starts.has(index + before.length))
      throw unreadable(
        module,
        index + before.length,
        'has a migration that cannot be read: what is above it looks like a comment or a string that goes on',
        'Write that in another way; or, if this is no migration: --ignore.',
      )
}
