// Where settings come from: variables, and files that hold secrets.

import { readFileSync } from 'node:fs'

/** How a reader of settings looks at the environment: a variable or its file, and a place for what is wrong. */
export interface Source {
  /** The value of a variable; undefined if it is unset or empty (compose passes `${X:-}` as an empty one). */
  value(name: string): string | undefined
  /** The value of NAME, or what the file named by NAME_FILE holds, without the line breaks at its end. */
  secret(name: string): string | undefined
  problem(message: string): void
  /** What is passed over, for the log. */
  note(message: string): void
}

/** Reads `env`; what is wrong with a variable or its file goes to `problem`, what is passed over to `note`. */
export function openSource(
  env: NodeJS.ProcessEnv,
  problem: (message: string) => void,
  note: (message: string) => void,
): Source {
  const value = (name: string) => env[name] || undefined
  return {
    value,
    problem,
    note,
    secret(name) {
      const file = value(`${name}_FILE`)
      if (file === undefined) return value(name)
      if (value(name) !== undefined) {
        problem(`${name} and ${name}_FILE are both set: unset one of them.`)
        return undefined
      }
      try {
        const text = readFileSync(file, 'utf8').replace(/(?:\r?\n)+$/, '')
        if (text !== '') return text
        problem(`${name}_FILE: ${file} is empty.`)
      } catch (error) {
        problem(`${name}_FILE: ${unreadable(file, error)}`)
      }
      return undefined
    },
  }
}

function unreadable(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return `there is no file ${file}.`
  if (code === 'EISDIR') return `${file} is a folder. Does the file exist on the host that mounts it?`
  if (code === 'EACCES')
    return `${file} may not be read by user ${process.getuid?.()}. A file secret keeps its owner and mode from the host: chmod 0444 it there, or give it to that user.`
  return `${file} cannot be read (${String(code)}).`
}
