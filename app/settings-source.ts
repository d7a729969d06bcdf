// Where settings come from: variables, and files that hold secrets.

import { readSecret } from 'schemagate-gate'

/** The environment as settings are read from it: a variable or its file, and a list of problems. */
export interface Source {
  /** The value of a variable; undefined if it is unset or empty (compose passes `${X:-}` as an empty one). */
  value(name: string): string | undefined
  /** The value of NAME, or what the file named by NAME_FILE holds, without the line breaks at its end. */
  secret(name: string): string | undefined
  problem(message: string): void
}

/** Reads `env`; problems with a variable or its file are added to `problems`. */
export function openSource(env: NodeJS.ProcessEnv, problems: string[]): Source {
  return {
    value: name => env[name] || undefined,
    secret: name => readSecret(env, name, problems),
    problem: message => void problems.push(message),
  }
}
