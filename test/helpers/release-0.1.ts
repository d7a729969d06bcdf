// The bundle of release 0.1, built from its own commit by its own script: for what must work beside it.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const commit = '74bdc59c84f67144f11d10ae673765f227038bb5'
const root = join(import.meta.dirname, '../..')
const execute = promisify(execFile)

/** The folder of the built release: `dist/schemagate.cjs`, `dist/gate.mjs`. It is kept for later runs of the tests. */
export async function release01(): Promise<string> {
  // not under node_modules, where Node runs no TypeScript
  const cache = join(root, '.schemagate/releases')
  const built = join(cache, commit)
  if (existsSync(built)) return built
  await execute('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).catch(() => {
    throw new Error(
      `Release 0.1 is built from commit ${commit}, which this clone does not have. Fetch the whole history: git fetch --unshallow (in a workflow: actions/checkout with fetch-depth: 0).`,
    )
  })
  await mkdir(cache, { recursive: true })
  const made = await mkdtemp(join(cache, 'build-'))
  try {
    await execute('git', ['archive', '--output', join(made, 'release.tar'), commit], { cwd: root })
    await execute('tar', ['xf', 'release.tar'], { cwd: made })
    await symlink(join(root, 'node_modules'), join(made, 'node_modules'))
    await execute(process.execPath, ['scripts/build.ts'], { cwd: made })
    // of several at once the first one's stays
    await rename(made, built).catch(error => {
      if (!existsSync(built)) throw error
    })
  } finally {
    await rm(made, { recursive: true, force: true })
  }
  return built
}
