// What a tool fills in before it runs a file: here it would silently stay as it is, also inside of strings.

import type { Foreign } from '../sql/unsupported.ts'
import { flyway } from './tools/flyway.ts'
import { graphileMigrate, placeholderAdvice } from './tools/graphile-migrate.ts'
import { layoutNamed } from './tools/index.ts'

/** Placeholders that no other tool and no text has: they are told in any folder. */
const unmistakable = [{ pattern: /\$\{flyway:[^}\n]*\}/, what: flyway.placeholders![0]!.what }]

/** The first placeholder of the tool that a file is for; undefined if there is none. */
export function findPlaceholder(sql: string, toolName: string | undefined): Foreign | undefined {
  const own = toolName === undefined ? undefined : layoutNamed(toolName)
  for (const { pattern, what } of [...(own?.placeholders ?? []), ...unmistakable]) {
    const match = pattern.exec(sql)
    if (match) return { offset: match.index, message: `\`${match[0]}\` ${what}` }
  }
  return undefined
}

/** What looks like a variable of psql is one of graphile-migrate's in its files. */
export function inWordsOf(found: Foreign, sql: string, toolName: string | undefined): Foreign {
  const variable = /^:[A-Z][A-Z0-9_]*\b/.exec(sql.slice(found.offset))?.[0]
  return toolName === graphileMigrate.name && variable
    ? { ...found, message: `\`${variable}\` ${placeholderAdvice}` }
    : found
}
