// The data folder of an embedded Postgres: made whole or not at all, where its server's user can reach it.

import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { commandOf } from '../process/mark.ts'
import { isReachable, type ServerUser } from './binaries.ts'

export interface DataDirOptions {
  readonly dataDir: string
  readonly bin: string
  readonly version: string
  readonly user: string
  readonly password: string
  readonly fsync: boolean
  readonly as: ServerUser | undefined
}

/** Where root keeps data folders that lie in a place its server's user cannot enter. */
const elsewhere = '/var/lib/schemagate'

/** Makes the data folder with initdb, or checks that the one that is there fits; returns where it really is. */
export async function prepareDataDir(options: DataDirOptions): Promise<string> {
  const dataDir = await placeDataDir(resolve(options.dataDir), options.as)
  const made = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (made === undefined) await initialise(dataDir, options)
  else if (made.trim() !== options.version.split('.')[0]) {
    throw new Error(
      `${dataDir} holds data of Postgres ${made.trim()}, but this is Postgres ${options.version}: remove it to start afresh.`,
    )
  } else if (options.as) {
    // The log and this folder may have been touched by root; everything inside was made by the server's user.
    await chown(dataDir, options.as.uid, options.as.gid)
  }
  return dataDir
}

/** Removes a data folder, also one that `placeDataDir` had to put elsewhere. */
export async function removeDataDir(dataDir: string): Promise<void> {
  const target = await readlink(dataDir).catch(() => undefined)
  if (target?.startsWith(`${elsewhere}/`)) await rm(target, { recursive: true, force: true })
  await rm(dataDir, { recursive: true, force: true })
}

/** A postmaster.pid left by a killed server stops the next start if its process id is in use again. */
export async function removeStalePid(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid')
  const pid = Number.parseInt((await readFile(file, 'utf8').catch(() => '')).split('\n')[0] ?? '', 10)
  if (!Number.isInteger(pid)) return
  const command = await commandOf(pid)
  if (command?.includes(dataDir))
    throw new Error(`A Postgres server (process ${pid}) is running on ${dataDir} already.`)
  await rm(file, { force: true })
}

/** Whether the server that is process `pid` has noted in its data folder that it takes connections. */
export async function saysReady(dataDir: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[0]?.trim() === `${pid}` && lines[7]?.trim() === 'ready'
}

/** The last lines of the server's log. */
export async function logTail(dataDir: string, lines = 20): Promise<string> {
  const text = await readFile(join(dataDir, 'server.log'), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

/** Where the folder can lie. Under /root the server's user could not enter it: a link then leads to one it can. */
async function placeDataDir(dataDir: string, as: ServerUser | undefined): Promise<string> {
  await mkdir(dirname(dataDir), { recursive: true })
  const info = await lstat(dataDir).catch(() => undefined)
  if (info?.isSymbolicLink()) {
    const target = resolve(dirname(dataDir), await readlink(dataDir))
    await mkdir(target, { recursive: true })
    return target
  }
  if (as === undefined || info !== undefined || (await isReachable(dirname(dataDir), { uid: as.uid, gid: as.gid }))) {
    if (as && info && !(await isReachable(dirname(dataDir), as))) {
      throw new Error(
        `User ${as.uid}, who has to run Postgres, cannot enter ${dirname(dataDir)}: remove ${dataDir} first.`,
      )
    }
    return dataDir
  }
  const target = join(elsewhere, createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
  await mkdir(target, { recursive: true })
  await symlink(target, dataDir)
  return target
}

/** initdb beside the final place, then a rename: a run that is killed in the middle leaves no half-made folder. */
async function initialise(dataDir: string, { bin, version, user, password, fsync, as }: DataDirOptions): Promise<void> {
  const inTheWay = await readdir(dataDir).catch(() => [])
  if (inTheWay.length > 0) throw new Error(`${dataDir} is not empty and holds no Postgres data (${inTheWay[0]}).`)
  const work = `${dataDir}.new-${randomBytes(4).toString('hex')}`
  const passwordFile = `${work}.password`
  try {
    await mkdir(work, { mode: 0o700 })
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
    if (as) for (const path of [work, passwordFile]) await chown(path, as.uid, as.gid)
    const locale =
      process.platform === 'linux' || Number.parseInt(version, 10) < 17
        ? [`--locale=${process.platform === 'linux' ? 'C.UTF-8' : 'C'}`]
        : ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const args = ['-D', work, '-U', user, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', ...locale]
    await promisify(execFile)(join(bin, 'initdb'), [...args, ...(fsync ? [] : ['--no-sync'])], {
      cwd: work,
      env: { LC_ALL: 'C', PATH: process.env.PATH, TZ: 'UTC' },
      ...as,
    })
    await chmod(work, 0o700)
    await rename(work, dataDir)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(work, { recursive: true, force: true })
  }
}
