// The options that `deploy` and `restore` share: which release, of which stack.

import { resolve } from 'node:path'
import { projectName } from '../lib/command/project-name.ts'
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
  const project = projectName(String(given.project ?? 'schemagate'))
  const files = given.file === undefined ? [] : [resolve(String(given.file))]
  return new Production({ project, tag: await releaseTag(given.tag), files, signal })
}
