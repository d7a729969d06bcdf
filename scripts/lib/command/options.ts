// A script's command line: its options, and what is said of one that is wrong.

import { parseArgs } from 'node:util'

/** A wrong command line, or a wish that cannot be met: shown without a stack trace. */
export class UsageError extends Error {}

export type Specific = Readonly<Record<string, { type: 'string' | 'boolean'; short?: string }>>

/** What the command line gives for these options. @throws UsageError for one that is unknown. */
export function parseOptions(options: Specific): Record<string, string | boolean | undefined> {
  try {
    const { values } = parseArgs({ options, strict: true, allowPositionals: false })
    return Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? [] : [[name, value]])),
    )
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error} (--help lists the options)`)
  }
}
