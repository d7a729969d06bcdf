// What files contain that is no SQL, and no server understands: psql's commands, other tools' templates.

import { scan } from './scan.ts'

const psqlCommand = /\\[a-z!?.][^\s;]*/i
const psqlVariable = /(?<![:\w'"[]):(?:'[A-Za-z_]\w*'|"[A-Za-z_]\w*"|[A-Za-z_]\w*)/
/** Bounded, so that a text of marks without an end takes no longer than its length. */
const templates: readonly { pattern: RegExp; what: string }[] = [
  { pattern: /\$\{[^}\n]{0,1000}\}/, what: 'a placeholder of Flyway or of a shell' },
  { pattern: /\{\{[^}\n]{0,1000}\}\}/, what: 'a template mark (Go templates, Jinja, Mustache)' },
  { pattern: /\{%[^%\n]{0,1000}%\}/, what: 'a template mark (Jinja)' },
  { pattern: /<%[^%\n]{0,1000}%>/, what: 'a template mark (ERB, EJS)' },
  { pattern: /^[ \t]*GO[ \t]*\r?$/im, what: "SQL Server's batch separator" },
  // a statement of its own: a column may have that name, and COPY has such an option
  { pattern: /\bdelimiter(?<=(?:^|;)\s*delimiter)[ \t]+\S+/i, what: "MySQL's DELIMITER" },
]

/** Something in a text that only another tool understands; `offset` is UTF-16. */
export interface Unsupported {
  readonly offset: number
  readonly message: string
}

/** A template mark in a quoted name: the grammar takes it, and the table would have that name. */
const templateInName =
  /"[^"\n]{0,1000}(\$\{[^}"\n]{0,1000}\}|\{\{[^}"\n]{0,1000}\}\}|\{%[^%"\n]{0,1000}%\})[^"\n]{0,1000}"/

/**
 * Looks for what explains a syntax error. Call it only for a text that Postgres' grammar does not take. Inside a string, a
 * comment or a function's body all of these are valid, and not looked at.
 */
export function findUnsupported(sql: string): Unsupported | undefined {
  return findIn(scan(sql).code)
}

/** In code alone, with quoted names in it: templates are filled in there too, variables are not. */
function findIn(code: string): Unsupported | undefined {
  const sql = code.replace(/(?<!(?<!:):)"[^"]*"/g, name => name.replace(/[^\r\n]/g, ' '))
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
        message: `\`${match[0].trim()}\` is ${what}; schemagate does not fill it in. Write the value itself, or generate the file before.`,
      }
  }
  const variable = psqlVariable.exec(sql)
  if (variable)
    return {
      offset: variable.index,
      message: `\`${variable[0]}\` looks like a variable of psql; schemagate does not fill it in. Write the value itself.`,
    }
  return undefined
}

function psqlAdvice(word: string): string {
  if (/^\\c(onnect)?$/.test(word))
    return 'A migration runs in the one database that DATABASE_URL names: remove it, and a CREATE DATABASE before it (pg_dump writes both only with --create).'
  if (/^\\i/.test(word)) return 'Copy the included file into this one.'
  return 'Remove it, or run that file with psql.'
}

/** A template mark inside a quoted name, which the grammar takes as it is. */
export function findTemplateInName(sql: string): Unsupported | undefined {
  if (!templateInName.test(sql)) return undefined
  const { code } = scan(sql)
  const match = templateInName.exec(code)
  return match ? findIn(code.slice(0, match.index + match[0].length)) : undefined
}
