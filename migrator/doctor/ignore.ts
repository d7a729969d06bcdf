// `# schemagate-ignore: RULE reason` silences one place: its own line, the line below, or the service that begins there.

import type { ComposeDocument } from './compose/documents.ts'
import type { Place } from './compose/places.ts'

export interface Ignore {
  readonly place: Place
  readonly rule: string
  readonly reason: string
  /** The line that it speaks of: its own where something stands there, else the next that is no comment. */
  readonly line: number
}

/**
 * The comments of one file, each with the line that it silences. What a rule's name or a reason has to be is checked
 * later.
 */
export function ignoresIn({ file, text }: ComposeDocument): Ignore[] {
  if (!text.includes('schemagate-ignore')) return []
  const lines = text.split('\n')
  return lines.flatMap((source, i) => {
    const match = /#\s*schemagate-ignore:\s*([\w-]*)[ \t]*(.*)$/.exec(source)
    if (!match) return []
    const isAlone = source.slice(0, match.index).trim() === ''
    const below = lines.findIndex((line, at) => at > i && line.trim() !== '' && !/^\s*#/.test(line))
    return [
      {
        place: { file, line: i + 1, column: match.index + 1 },
        rule: match[1]!,
        reason: match[2]!.trim(),
        line: isAlone && below >= 0 ? below + 1 : i + 1,
      },
    ]
  })
}
