// What files contain that is no SQL, and no server understands: psql's commands, other tools' templates, a word processor's
// characters.

import { scan } from './scan.ts'

const psqlCommand = /\\[a-z!?.][^\s;]*/i
const psqlVariable = /(?<![:\w'"[]):(?:'[A-Za-z_]\w*'|"[A-Za-z_]\w*"|[A-Za-z_]\w*)/

const fillIn = 'schemagate does not fill it in. Write the value itself, or generate the file before.'
/** Bounded, so that a text of marks without an end takes no longer than its length. */
const marks: readonly { pattern: RegExp; what: string; wayOut?: string }[] = [
  { pattern: /\$\{[^}\n]{0,1000}\}/, what: 'a placeholder of Flyway or of a shell' },
  { pattern: /\{\{[^}\n]{0,1000}\}\}/, what: 'a template mark (Go templates, Jinja, Mustache)' },
  { pattern: /\{%[^%\n]{0,1000}%\}/, what: 'a template mark (Jinja)' },
  { pattern: /<%[^%\n]{0,1000}%>/, what: 'a template mark (ERB, EJS)' },
  { pattern: /^[ \t]*GO[ \t]*\r?$/im, what: "SQL Server's batch separator", wayOut: 'Remove it.' },
  // a statement of its own: a column may have that name, and COPY has such an option
  {
    pattern: /\bdelimiter(?<=(?:^|;)\s*delimiter)[ \t]+\S+/i,
    what: "MySQL's DELIMITER",
    wayOut: "Remove it, and end each statement with a semicolon; Postgres has a function's body in $$ ... $$.",
  },
]

/** To Postgres these are letters. */
const lookalikes: readonly { pattern: RegExp; what: string; wayOut: string }[] = [
  {
    pattern: /[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/,
    what: 'a space or line end of another kind',
    wayOut: 'Write a common one in its place.',
  },
  { pattern: /[\u200b-\u200f\u2060\ufeff]/, what: 'a mark that is not seen', wayOut: 'Take it out.' },
  {
    pattern: /[\u2018-\u201f]/,
    what: "a word processor's quotation mark",
    wayOut: 'Write \' around a string, and " around a name.',
  },
  { pattern: /[\u2010-\u2015\u2212]/, what: "a word processor's dash", wayOut: 'Write - in its place.' },
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
  for (const { pattern, what, wayOut } of marks) {
    const match = pattern.exec(code)
    if (match)
      return {
        offset: match.index + match[0].search(/\S/),
        message: `\`${match[0].trim()}\` is ${what}${wayOut === undefined ? `; ${fillIn}` : `, which Postgres does not know. ${wayOut}`}`,
      }
  }
  const variable = psqlVariable.exec(sql)
  if (variable)
    return {
      offset: variable.index,
      message: `\`${variable[0]}\` looks like a variable of psql; schemagate does not fill it in. Write the value itself.`,
    }
  for (const { pattern, what, wayOut } of lookalikes) {
    const match = pattern.exec(sql)
    if (match)
      return { offset: match.index, message: `${codePoint(match[0])} is ${what}, and to Postgres a letter. ${wayOut}` }
  }
  return undefined
}

const codePoint = (character: string) => `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

function psqlAdvice(word: string): string {
  if (/^\\c(onnect)?$/.test(word))
    return 'A migration runs in the one database that DATABASE_URL names: remove it, and a CREATE DATABASE before it (pg_dump writes both only with --create).'
  if (/^\\i(r|nclude|nclude_relative)?$/.test(word)) return 'Copy the included file into this one.'
  return 'Remove it, or run that file with psql.'
}

/** A template mark inside a quoted name, which the grammar takes as it is. */
export function findTemplateInName(sql: string): Unsupported | undefined {
  if (!templateInName.test(sql)) return undefined
  const { code } = scan(sql)
  const match = templateInName.exec(code)
  return match ? findIn(code.slice(0, match.index + match[0].length)) : undefined
}
