// Files in a folder and in the folders inside, as other tools look for them.

import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { UsageError } from '../../errors.ts'
import { cannotRead, isThere } from '../../files/cannot-read.ts'
import { ignoredBy } from '../../files/ignore.ts'
import { folderForFile } from '../../files/listing.ts'

export interface TreeOptions {
  readonly ignore?: readonly string[] | undefined
  /** Which folders inside are entered, by name and path; absent: none. */
  readonly enters?: (folder: string, path: string) => boolean
  /** Names that only a migration's file has: a folder of such a name is refused. */
  readonly isFile?: (name: string) => boolean
}

/** The folders that npm, pip and Python make: no project has its own code in one of that name. */
const notOwn = new Set(['node_modules', 'site-packages', 'dist-packages', '__pycache__'])

/** What is in an environment of Python's, whatever its name: of venv, of Conda. */
const signsOfEnvironment = ['pyvenv.cfg', 'conda-meta']

/**
 * A folder of the project's own: not hidden, and none in which its libraries are. An app may be called `vendor` or `env`:
 * one that is left out by mistake opens the gate, and one that is read by mistake can be ignored.
 */
export function isOwnFolder(name: string, path: string): boolean {
  return isVisible(name) && !notOwn.has(name) && !signsOfEnvironment.some(sign => isThere(join(path, sign)))
}

/** Not hidden as Unix hides files, by a dot at the beginning. */
export function isVisible(name: string): boolean {
  return !name.startsWith('.')
}

/**
 * Paths of files, relative to the folder and with `/`, sorted by code unit within each folder. Links to files are files. A
 * link to a folder elsewhere is entered, when all that is inside was: most tools do, and what is left out by mistake opens
 * the gate. One to a folder that this one is in is not.
 * @throws UsageError if the folder is missing or cannot be read, or a folder stands where a file must be.
 */
export function filesIn(dir: string, { ignore = [], enters, isFile }: TreeOptions = {}): readonly string[] {
  const found: string[] = []
  const isIgnored = ignoredBy(ignore)
  // a stack of its own: folders may be deep in each other
  const open = ['']
  const links: string[] = []
  const visited = new Set<string>()
  for (;;) {
    const folder = open.pop() ?? links.shift()
    if (folder === undefined) return found
    const inside: string[] = []
    const entries = entriesOf(join(dir, folder), dir)
    const real = realpathSync(join(dir, folder))
    if (visited.has(real) || (folder !== '' && !relative(real, realpathSync(dir)).startsWith('..'))) continue
    visited.add(real)
    for (const entry of entries) {
      const path = `${folder}${entry.name}`
      if (isIgnored(path)) continue
      const kind = kindOf(entry, join(dir, path))
      if (kind === 'file') found.push(path)
      else if (kind === 'folder' && isFile?.(entry.name)) throw folderForFile(join(dir, path))
      else if (kind === 'folder' && enters?.(entry.name, join(dir, path)))
        (entry.isSymbolicLink() ? links : inside).push(`${path}/`)
    }
    open.push(...inside.reverse())
  }
}

/** The last part of a path with `/`, which is its form here on every system. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function entriesOf(folder: string, dir: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cannotRead(folder, cause)
    const reason = code === 'ENOENT' ? 'does not exist' : 'is not a folder'
    const what = folder === dir || folder === join(dir, '') ? `The folder ${dir}` : `The folder ${folder} in ${dir}`
    throw new UsageError(`${what} ${reason}. Name the right one with --dir or SCHEMAGATE_DIR.`, { cause })
  }
}

/** Of a link what it leads to. */
function kindOf(entry: Dirent, path: string): 'file' | 'folder' | undefined {
  try {
    const found = entry.isSymbolicLink() ? statSync(path) : entry
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : undefined
  } catch {
    // to nowhere, or a circle of links: reading it reports that
    return 'file'
  }
}
