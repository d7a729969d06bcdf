// What a reader of another tool's files is. One file a kind of tool; {@link ./index.ts} lists them.

import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import type { FolderOptions } from '../../files/folder.ts'

/**
 * Reads the tool's migrations from its files, in the tool's order, without running any of their code.
 * @throws UsageError if there are none, if the folder is not the tool's, or if its files do not tell without being run.
 */
export type FollowedReader = (dir: string, options: FolderOptions) => Promise<readonly FollowedMigration[]>
