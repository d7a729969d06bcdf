// Folders of SQL files, as `up` would read them: the keys are those with which their tools store them.

import { historyToolNamed } from '../../../gate/histories/index.ts'
import { readFolderInTurns } from '../../files/folder.ts'
import { layoutProblem } from '../../files/tools/index.ts'
import { filesToolOf, toolFiles } from '../../histories/index.ts'
import type { FollowedReader } from './reader.ts'

/** The reader for the SQL files of that tool. */
export function sqlFolder(tool: string): FollowedReader {
  return async (dir, options) => {
    const layout = layoutProblem(tool) === undefined ? tool : undefined
    const files = await readFolderInTurns(dir, { ...options, layout: options.layout ?? layout })
    return toolFiles(filesToolOf(historyToolNamed(tool)!), files).map(({ key, migration: { name } }) => ({ key, name }))
  }
}
