// The command line as its image runs it: with the flags of its entry point, and with the cache that its build makes.

import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildIfStale, bundle } from '../../build/if-stale.ts'
import { root } from '../../lib/root.ts'
import type { Sample } from './contenders.ts'
import { runTimed } from './processes.ts'

/** Runs a command of it to its end. @throws Error if its exit code is not 0. */
type Migrator = (words: readonly string[], env: NodeJS.ProcessEnv) => Promise<Sample<'wall' | 'cpu'>>

/** Builds it if need be, and makes its cache again. */
export async function migratorOfImage(): Promise<Migrator> {
  await buildIfStale()
  const dist = dirname(bundle)
  await rm(join(dist, 'cache'), { recursive: true, force: true })
  await promisify(execFile)(process.execPath, [join(dist, 'warm-up.cjs')])
  const dockerfile = await readFile(join(root, 'migrator/Dockerfile'), 'utf8')
  const [, words] = /^ENTRYPOINT (\[.*schemagate\.cjs.*\])$/m.exec(dockerfile)!
  const flags = (JSON.parse(words!) as readonly string[]).filter(word => word.startsWith('--'))
  return (words, env) => runTimed(process.execPath, [...flags, bundle, ...words], env)
}
