// What stands in a file but is no SQL: psql's commands, other tools' templates. No server understands them.

import type { Statement } from './parse.ts'
import { scan } from './scan.ts'

const psqlCommand = /\\[a-z!?.][^\s;]*/i
const copyFromStdin = /^[ \t]*copy\b[^;]*\bfrom\s+stdin\b/im
const copyMessage =
  '`COPY ... FROM stdin` with its data in the file is fed by psql; a server reads no data from SQL. Write INSERTs (pg_dump --inserts), or load the data in a code migration.'
const psqlVariable = /(?<![:\w'"[]):(?:'[A-Za-z_]\w*'|"[A-Za-z_]\w*"|[A-Za-z_]\w*)/
const templates: readonly { pattern: RegExp; what: string }[] = [
  { pattern: /\$\{[^}\n]*\}/, what: 'a placeholder of Flyway or of a shell' },
  { pattern: /\{\{[^}\n]*\}\}/, what: 'a template mark (Go templates, Jinja, Mustache)' },
  { pattern: /\{%[^%\n]*%\}/, what: 'a template mark (Jinja)' },
  { pattern: /<%[^%\n]*%>/, what: 'a template mark (ERB, EJS)' },
  { pattern: /^[ \t]*GO[ \t]*\r?$/im, what: "SQL Server's batch separator" },
  { pattern: /^[ \t]*delimiter[ \t]+\S+/im, what: "MySQL's DELIMITER" },
]

/** Something in a text that only another tool understands; `offset` is UTF-16. */
export interface Foreign {
  readonly offset: number
  readonly message: string
}

/** A template mark where a name is quoted: the grammar takes it, and makes a table that is called so. */
const templateInName = /"[^"\n]*(\$\{[^}"\n]*\}|\{\{[^}"\n]*\}\}|\{%[^%"\n]*%\})[^"\n]*"/

/**
 * Looks for what explains a syntax error. Only to be asked about a text that Postgres' grammar does not take. Inside a
 * string, a comment or a function's body any of these is rightful, and not looked at.
 */
export function findForeign(sql: string): Foreign | undefined {
  return findIn(scan(sql).code)
}

/** In code alone, in which names still stand in their quotes: templates are filled in there too, variables are not. */
function findIn(code: string): Foreign | undefined {
  const sql = code.replace(/(?<!(?<!:):)"[^"]*"/g, name => name.replace(/[^\r\n]/g, ' '))
  const copy = copyFromStdin.exec(sql)
  if (copy) return { offset: copy.index + copy[0].search(/\S/), message: copyMessage }
  const command = psqlCommand.exec(sql)
  if (command) {
    const word = command[0]
    return {
      offset: command.index,
      message: `\`${word}\` is a command of psql, not SQL: the server does not know it. ${psqlAdvice(word)}`,
    }
  }
  for (const { pattern, what } of templates) {
    const match = pattern.exec(code)
    if (match)
      return {
        offset: match.index + match[0].search(/\S/),
        message: `\`${match[0].trim()}\` is ${what}; nothing fills it in here. Write the value itself, or generate the file before.`,
      }
  }
  const variable = psqlVariable.exec(sql)
  if (variable)
    return {
      offset: variable.index,
      message: `\`${variable[0]}\` looks like a variable of psql; nothing fills it in here. Write the value itself.`,
    }
  return undefined
}

function psqlAdvice(word: string): string {
  if (/^\\c(onnect)?$/.test(word)) return 'A migration runs in the one database that DATABASE_URL names: remove it.'
  if (/^\\i/.test(word)) return 'Copy the included file into this one.'
  return 'Remove it, or run that file with psql.'
}

const restriction = /^\\(?:un)?restrict[ \t]+\w+[ \t]*$/gm

/**
 * A text without the two commands that pg_dump puts around its own since August 2025: they keep psql from running other
 * commands of psql's, and a server gets none. They are blanked, so that every position stays what it was.
 */
export function withoutRestriction(sql: string): string {
  if (sql.search(restriction) === -1) return sql
  const { code } = scan(sql)
  return sql.replace(restriction, (line, offset: number) =>
    code.startsWith('\\', offset) ? line.replace(/\S/g, ' ') : line,
  )
}

/** A COPY FROM stdin, which the grammar takes but nobody feeds; undefined if there is none. */
export function findCopyFromStdin(statements: readonly Statement[]): Foreign | undefined {
  for (const { node, start } of statements)
    if ('CopyStmt' in node && node.CopyStmt.is_from && !node.CopyStmt.filename && !node.CopyStmt.is_program)
      return { offset: start, message: copyMessage }
  return undefined
}

/** A template mark inside a quoted name, which the grammar takes as it is. */
export function findTemplateInName(sql: string): Foreign | undefined {
  if (!templateInName.test(sql)) return undefined
  const { code } = scan(sql)
  const match = templateInName.exec(code)
  return match ? findIn(code.slice(0, match.index + match[0].length)) : undefined
}

/** True if the text may hold something for the others to find: quick, and more often true than not needed. */
export function maybeForeign(sql: string): boolean {
  const patterns = [psqlCommand, psqlVariable, ...templates.map(({ pattern }) => pattern)]
  return patterns.some(pattern => pattern.test(sql)) || /\bcopy\b[^;]*\bfrom\s+stdin\b/i.test(sql)
}
