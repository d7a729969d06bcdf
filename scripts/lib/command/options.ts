// A script's command line: its options, and what is said of one that is wrong.

import { parseArgs } from 'node:util'

/** A wrong command line, or one that cannot be followed here: exit code 2. */
export class UsageError extends Error {}

export type Specific = Readonly<Record<string, { type: 'string' | 'boolean'; short?: string }>>

/**
 * What the command line gives for these options.
 * @throws UsageError for one that is unknown, given twice, or empty, as with an unset variable of a shell.
 */
export function parseOptions(options: Specific): Record<string, string | boolean | undefined> {
  const { values, tokens } = parse(options)
  const given = tokens.flatMap(token => (token.kind === 'option' ? [token.name] : []))
  const twice = given.find((name, i) => given.indexOf(name) !== i)
  if (twice !== undefined) throw new UsageError(`--${twice} is given twice.`)
  const empty = Object.keys(values).find(name => values[name] === '')
  if (empty !== undefined) throw new UsageError(`--${empty} is empty.`)
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? [] : [[name, value]])),
  )
}

function parse(options: Specific) {
  try {
    return parseArgs({ options, strict: true, allowPositionals: false, tokens: true })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error} (--help lists the options)`)
  }
}
