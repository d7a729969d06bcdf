// The manifest of an app whose schema another tool migrates: made from that tool's files.

import type { FollowedManifest } from '../../gate/protocol/manifest.ts'
import type { FolderOptions } from '../files/folder.ts'
import type { Settings } from '../settings/settings.ts'
import { readFollowed } from './files/index.ts'

/** @throws UsageError as {@link readFollowed}. */
export async function followedManifest(
  { follow, history, dir }: Pick<Settings, 'follow' | 'history' | 'dir'>,
  options: FolderOptions,
): Promise<FollowedManifest> {
  const migrations = await readFollowed(follow!, dir, options)
  return {
    version: 2,
    follow: { tool: follow!, ...(history !== undefined && { history }) },
    head: migrations.at(-1)?.name ?? null,
    migrations,
  }
}
