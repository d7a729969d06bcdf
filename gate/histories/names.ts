// Names of files as histories store them.

/** A file's name without its ending, however the history stores it: `20240101_users.js`, `20240101_users.cjs`. */
export function withoutEnding(name: string): string {
  return name.replace(/\.(?:sql|[cm]?[jt]s|coffee|php|exs?|rb|py)$/, '')
}
