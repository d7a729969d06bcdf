// Builds the command-line tool once before the tests, so that what they run is what the sources say.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildIfStale } from '../../scripts/build/if-stale.ts'
import { root } from '../../scripts/lib/root.ts'

/** vitest's global setup. TEST_CLI=source runs the tests on the sources, without a build. */
export default async function setup(): Promise<void> {
  if (process.env.TEST_CLI === 'source' || !existsSync(join(root, 'scripts/build/build.ts'))) return
  const took = await buildIfStale()
  if (took !== undefined) console.log(`built the command-line tool in ${took} ms`)
}
