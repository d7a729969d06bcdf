// What an error of the server's says besides its message, as lines.

import { placeAt, toOffset } from '../sql/excerpt.ts'
import { hideSecrets } from '../text/redact.ts'

/** SQL that failed and is not a file's own; `start` and `end`: where in the text that was sent it stands, in UTF-16 units. */
export interface FailedQuery {
  readonly text: string
  readonly start?: number
  readonly end?: number
}

/** What the server says besides the message. */
export function fieldLines(error: unknown, query?: FailedQuery): string[] {
  const field = (name: string): string | undefined => {
    const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined
    return typeof value === 'string' ? value : undefined
  }
  const lines: string[] = []
  const add = (label: string, text: string | undefined) => {
    if (text?.startsWith('\n')) lines.push(`  ${label}:${text.replaceAll('\n', '\n    ')}`)
    else if (text) lines.push(`  ${label}: ${text.replaceAll('\n', `\n${' '.repeat(label.length + 4)}`)}`)
  }
  add('detail', field('detail'))
  add('hint', field('hint'))
  // a statement that a function made has a position of its own
  add(
    'query',
    excerptOf({ text: field('internalQuery') }, field('internalPosition')) ??
      excerptOf(query ?? { text: undefined }, field('position')),
  )
  add('context', field('where'))
  return lines
}

function excerptOf(
  { text, start = 0, end }: Omit<FailedQuery, 'text'> & { readonly text: string | undefined },
  position: string | undefined,
): string | undefined {
  if (text === undefined) return undefined
  const query = text.slice(start, end)
  if (position === undefined) return hideSecrets(query.trim().slice(0, 10 * longestQuery)).slice(0, longestQuery)
  return `\n${placeAt('', query, toOffset(text, Number(position)) - start).excerpt}`
}

const longestQuery = 300
