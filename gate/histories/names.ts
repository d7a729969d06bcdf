// Names of files as histories store them.

const endings = '(?:sql|[cm]?[jt]s|coffee|php|exs?|rb|py)$'
const ending = new RegExp(`[.]${endings}`)

/** A file's name without its ending, however the history stores it: `20240101_users.js`, `20240101_users.cjs`. */
export function withoutEnding(name: string): string {
  return name.replace(ending, '')
}

/** The same in SQL. */
export function withoutEndingSql(column: string): string {
  return `regexp_replace(${column}, '[.]${endings}', '')`
}
