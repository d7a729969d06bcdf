// The options that `deploy` and `restore` share: which release, of which stack.

import { resolve } from 'node:path'
import { UsageError } from '../lib/command/options.ts'
import { Production, releaseTag } from './production.ts'

export const productionOptions = {
  tag: { type: 'string' },
  file: { type: 'string' },
  project: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** The stack that was named on the command line. @throws UsageError */
export async function openProduction(
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Production> {
  const project = String(given.project ?? 'schemagate')
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(project))
    throw new UsageError(
      `--project ${project}: Compose wants small letters, digits, - and _, and one of the first two to begin with.`,
    )
  const files = given.file === undefined ? [] : [resolve(String(given.file))]
  return new Production({ project, tag: await releaseTag(given.tag), files, signal })
}
