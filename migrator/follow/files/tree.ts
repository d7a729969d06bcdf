// Files in a folder and in the folders inside, as other tools look for them.

import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { UsageError } from '../../errors.ts'
import { cannotRead, isThere } from '../../files/cannot-read.ts'
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

export function isVisible(name: string): boolean {
  return !name.startsWith('.')
}

/**
 * Paths of files, relative to the folder and with `/`, sorted by code unit within each folder. Links to files are files;
 * links to folders are not entered.
 * @throws UsageError if the folder is missing or cannot be read, or a folder stands where a file must be.
 */
export function filesIn(dir: string, { ignore = [], enters, isFile }: TreeOptions = {}): readonly string[] {
  const found: string[] = []
  const isIgnored = (path: string) => ignore.some(glob => matchesGlob(path, glob) || matchesGlob(path, `${glob}/**`))
  // a stack of its own: folders may be deep in each other
  const open = ['']
  while (open.length > 0) {
    const folder = open.pop()!
    const inside: string[] = []
    for (const entry of entriesOf(join(dir, folder), dir)) {
      const path = `${folder}${entry.name}`
      if (isIgnored(path)) continue
      if (leadsToFile(entry, join(dir, path))) found.push(path)
      else if (entry.isDirectory() && isFile?.(entry.name)) throw folderForFile(join(dir, path))
      else if (entry.isDirectory() && enters?.(entry.name, join(dir, path))) inside.push(`${path}/`)
    }
    open.push(...inside.reverse())
  }
  return found
}

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

function leadsToFile(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile()
  try {
    return statSync(path).isFile()
  } catch {
    // to nowhere, or a circle of links: reading it reports that
    return true
  }
}
