// Builds the command-line tool when its bundle is older than anything it is made of.

import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UsageError } from '../lib/command/options.ts'
import { takeLock } from '../lib/process/lock.ts'
import { root } from '../lib/root.ts'
import { whyUnwritable } from '../lib/writable.ts'

export const bundle = join(root, 'migrator/dist/schemagate.cjs')
const parts = ['build.ts', 'launcher.cjs', 'warm-up.cjs'].map(name => join('scripts/build', name))
const script = join(root, 'scripts/build/build.ts')

/** Returns how many milliseconds the build took, undefined if the bundle was current. Of many at once, one builds. */
export async function buildIfStale(): Promise<number | undefined> {
  if (await isCurrent()) return undefined
  const unlock = await lockBuild()
  try {
    if (await isCurrent()) return undefined
    const started = performance.now()
    await promisify(execFile)(process.execPath, [script], { cwd: root }).catch(({ stdout, stderr }) => {
      throw new Error(`The build failed.\n${stdout}${stderr}`)
    })
    return Math.round(performance.now() - started)
  } finally {
    await unlock()
  }
}

/** Waits until no other living process builds. @throws UsageError where this user cannot write into the checkout. */
async function lockBuild(): Promise<() => Promise<void>> {
  const state = join(root, '.schemagate')
  const why = await whyUnwritable(state)
  if (why !== undefined)
    throw new UsageError(
      `The migrator has to be built first, and ${state} cannot be written (${why}). As the user who owns the checkout: npm run build`,
    )
  for (;;) {
    const lock = await takeLock(join(state, 'build.lock'))
    if ('release' in lock) return lock.release
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A file's own time is enough for what was changed, and its folder's for what was added or removed. */
async function isCurrent(): Promise<boolean> {
  const built = await stat(bundle).then(
    info => info.mtimeMs,
    () => 0,
  )
  const entries = await Promise.all(
    ['gate', 'migrator'].map(folder => readdir(join(root, folder), { recursive: true, withFileTypes: true })),
  )
  const sources = [
    ...entries.flat().map(({ parentPath, name }) => join(parentPath, name)),
    ...['gate', 'migrator', 'package.json', 'package-lock.json', ...parts].map(path => join(root, path)),
  ].filter(path => !/[\\/](dist|node_modules)\b/.test(path.slice(root.length)))
  const times = await Promise.all(sources.map(async path => (await stat(path)).mtimeMs))
  return times.every(time => time < built)
}
