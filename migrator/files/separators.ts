// Comments by which a tool ends a statement, which then may have no semicolon: Drizzle, Bun, go-pg and Migratus.

import { insideText } from './code-and-text.ts'

const separator = /--> statement-breakpoint|^[ \t]*--(?:bun:split|gopg:split|;;)(?=[ \t]*\r?$)/gm
const ownLine = /^[ \t]*--(?:> statement-breakpoint|(?:bun:split|gopg:split|;;)(?=[ \t]*\r?$))/m

/** The text with a semicolon in the place of each, and the rest where it was. `isText`: where there is none. */
export function endStatements(source: string, isText: (offset: number) => boolean = () => false): string {
  return source.replace(separator, (found, offset: number) => (isText(offset) ? found : ';'.padEnd(found.length)))
}

/** The same for a file of whatever folder: it may have left its tool behind. */
export function endStatementsOfAnyTool(source: string): string {
  return ownLine.test(source) ? endStatements(source, insideText(source)) : source
}
