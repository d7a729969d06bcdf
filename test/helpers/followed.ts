// Manifests of tools that are followed, as files.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FollowedManifest } from '../../gate/protocol/manifest.ts'
import { folder } from './migrations.ts'

/** The manifest's file, gone after the test. */
export async function manifestFile(manifest: FollowedManifest): Promise<string> {
  const file = join(await folder({}), 'manifest.json')
  await writeFile(file, JSON.stringify(manifest))
  return file
}
