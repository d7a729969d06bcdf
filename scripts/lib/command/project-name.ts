// The name of a compose project, as it was given on the command line.

import { UsageError } from './options.ts'

/** @throws UsageError for one that Compose does not take. */
export function projectName(given: string): string {
  if (/^[a-z0-9][a-z0-9_-]*$/.test(given)) return given
  throw new UsageError(
    `--project ${given}: Compose wants small letters, digits, - and _, and one of the first two to begin with.`,
  )
}
