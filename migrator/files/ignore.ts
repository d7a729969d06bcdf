// `--ignore`: which files and folders of the migrations folder are left out.

import { matchesGlob } from 'node:path'

/** Whether one of the globs leaves a path out, or a folder that it is in. The Unicode form of neither counts: macOS has its own. */
export function ignoredBy(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs.map(glob => glob.normalize('NFC')).flatMap(glob => [glob, `${glob}/**`])
  return path => patterns.length > 0 && patterns.some(pattern => matchesGlob(path.normalize('NFC'), pattern))
}
