// Builds the command-line tool once before the tests, so that what they run is what the sources say.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
const script = join(root, 'scripts/build.ts')
const bundle = join(root, 'dist/schemagate.mjs')

/** vitest's global setup. TEST_CLI=source runs the tests on the sources, without a build. */
export default async function setup(): Promise<void> {
  if (process.env.TEST_CLI === 'source' || !existsSync(script) || (await isCurrent())) return
  const started = performance.now()
  await promisify(execFile)(process.execPath, [script], { cwd: root }).catch(({ stdout, stderr }) => {
    throw new Error(`The build failed, so there is nothing to test.\n${stdout}${stderr}`)
  })
  console.log(`built the command-line tool in ${Math.round(performance.now() - started)} ms`)
}

/** Whether the bundle is newer than everything it is made of. */
async function isCurrent(): Promise<boolean> {
  const built = await stat(bundle).then(
    info => info.mtimeMs,
    () => 0,
  )
  const sources = [script, join(root, 'package.json'), join(root, 'package-lock.json')]
  for (const entry of await readdir(join(root, 'migrator'), { recursive: true, withFileTypes: true })) {
    sources.push(entry.isDirectory() ? join(entry.parentPath, entry.name) : join(entry.parentPath, entry.name))
  }
  const times = await Promise.all(sources.map(async path => (await stat(path)).mtimeMs))
  return times.every(time => time < built)
}
