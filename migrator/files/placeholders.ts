// What a tool fills in before it runs a file: schemagate would send it as it is, also inside of strings.

import type { Unsupported } from '../sql/unsupported.ts'
import { layoutNamed, tools } from './tools/index.ts'

const unmistakable = tools
  .flatMap(tool => tool.placeholders ?? [])
  .flatMap(({ anywhere, what }) => (anywhere ? [{ pattern: anywhere, what }] : []))

/** The first placeholder of the tool that a file is for; undefined if there is none. */
export function findPlaceholder(sql: string, toolName: string | undefined): Unsupported | undefined {
  for (const { pattern, what } of [...placeholdersOf(toolName), ...unmistakable]) {
    const match = pattern.exec(sql)
    if (match) return { offset: match.index, message: `\`${match[0]}\` ${what}` }
  }
  return undefined
}

/** What was found, in the words of the tool that the file is for: a variable of psql may be a placeholder of the tool's. */
export function inWordsOf(found: Unsupported, sql: string, toolName: string | undefined): Unsupported {
  for (const { inCode, what } of placeholdersOf(toolName)) {
    const match = inCode?.exec(sql.slice(found.offset))
    if (match) return { ...found, message: `\`${match[0]}\` ${what}` }
  }
  return found
}

function placeholdersOf(toolName: string | undefined) {
  return (toolName === undefined ? undefined : layoutNamed(toolName))?.placeholders ?? []
}
