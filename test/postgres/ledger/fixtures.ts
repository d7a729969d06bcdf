// What the tests of lost and restored tables share: a folder that is applied, commands on it, and the answers of `require`.

import { join } from 'node:path'
import { expect } from 'vitest'
import { type Manifest, readManifest } from '../../../gate/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

/** Applies a folder, and gives what runs commands on it, and the manifest that an app would have. */
export async function migrate(database: ScratchDatabase, dir: string) {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await schemagate(args, {
      env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir },
    })
    return { code, said: stdout + stderr, stdout }
  }
  const { code, said } = await run('up')
  expect(code, said).toBe(0)
  const manifestFile = join(await folder({ 'manifest.json': (await run('manifest')).stdout }), 'manifest.json')
  return { dir, run, manifestFile, manifest: readManifest(manifestFile) }
}

/** What `require` raises, of a manifest and of its head; undefined: it is true. */
export async function required(database: ScratchDatabase, manifest: Manifest): Promise<(string | undefined)[]> {
  const asked = [JSON.stringify(manifest), manifest.head].map(text =>
    database.query('select schemagate.require($1::text)', [text]).then(
      () => undefined,
      (error: Error) => error.message,
    ),
  )
  return Promise.all(asked)
}
