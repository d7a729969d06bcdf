// A checkout that the user may not write: what is said instead of a bare EACCES.

import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

/** What a module of a copy of this checkout does as a user who may read it, and no more. */
async function inReadOnlyCheckout(code: string) {
  const checkout = await mkdtemp(join(tmpdir(), 'schemagate-read-only-'))
  onTestFinished(() => rm(checkout, { recursive: true, force: true }))
  for (const path of ['scripts', 'migrator/text', 'package.json', 'package-lock.json'])
    await cp(join(root, path), join(checkout, path), { recursive: true })
  await mkdir(join(checkout, 'gate'))
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  await chmod(checkout, 0o555)
  onTestFinished(() => chmod(checkout, 0o755))
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const args = ['--input-type=module', '--eval', code]
  return { checkout, run: promisify(execFile)(process.execPath, args, { cwd: checkout, ...user }) }
}

test('the migrator is not built there, and the message says who can', async () => {
  const { checkout, run } = await inReadOnlyCheckout(
    `import { report } from './scripts/lib/command/report.ts'
    import { buildIfStale } from './scripts/build/if-stale.ts'
    await report(buildIfStale)`,
  )
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: `The migrator has to be built first, and ${checkout}/.schemagate cannot be written (EACCES). As the user who owns the checkout: npm run build\n`,
  })
})

test('a stack without Docker wants another folder for its data', async () => {
  const { checkout, run } = await inReadOnlyCheckout(
    `import { report } from './scripts/lib/command/report.ts'
    import { claim } from './scripts/stack/running.ts'
    import { join } from 'node:path'
    await report(() => claim(join(process.cwd(), '.schemagate'), 'http://127.0.0.1:1'))`,
  )
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: `${checkout}/.schemagate cannot be written (EACCES). Name a folder that can, with --state.\n`,
  })
})

test('a release is refused before it goes out, since it could not be recorded for the next boot', async () => {
  const { checkout, run } = await inReadOnlyCheckout(
    `import { report } from './scripts/lib/command/report.ts'
    import { checkSettings } from './scripts/release/settings.ts'
    const docker = async () => ({ exitCode: 0, stdout: '' })
    const config = async () => ({ services: {} })
    await report(() => checkSettings({ docker, config, options: { project: 'shop' } }))`,
  )
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: `The release cannot go out like this:\n  - ${checkout}/.schemagate cannot be written (EACCES), where what is deployed is recorded for the next boot.\n`,
  })
})
