// Before anything is touched: whether this machine and these settings can carry the release.

import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { shellWord } from '../../migrator/text/shell-word.ts'
import { UsageError } from '../lib/command/options.ts'
import { whyUnwritable } from '../lib/writable.ts'
import type { Config, Production, Service } from './production.ts'
import { releaseRecord } from './record.ts'

/** Free space that images, logs and the database may want while a release goes out. */
const freeBytes = 1024 ** 3
const jwtSecretBytes = 32
/** The user of the official Postgres images: Debian's, and Alpine's. */
const postgresUid = ({ image }: Service) => (/alpine/.test(image) ? 70 : 999)

/**
 * Checks the engine, the compose files with their variables, the secrets and the disk. Returns warnings.
 * @throws UsageError naming everything that must be mended first.
 */
export async function checkSettings(production: Production): Promise<string[]> {
  const version = await production.docker(['version', '--format', '{{.Server.Version}}'])
  if (version.exitCode !== 0)
    throw new UsageError(`No Docker engine answers. Start it, or set DOCKER_HOST.\n${version.stderr.trim()}`)
  let config: Config
  try {
    config = await production.config()
  } catch (error) {
    throw new UsageError(`The compose files cannot be used: ${error instanceof Error ? error.message : error}`)
  }
  const { problems, warnings } = await checkSecrets(config)
  problems.push(
    ...(await unreadableMounts(config)),
    ...(await checkDisk(production)),
    ...(await checkRecord(production)),
  )
  if (problems.length > 0)
    throw new UsageError(['The release cannot go out like this:', ...problems.map(text => `  - ${text}`)].join('\n'))
  return warnings
}

async function checkSecrets(config: Config): Promise<{ problems: string[]; warnings: string[] }> {
  const problems: string[] = []
  const folders = new Set<string>()
  for (const [name, { file }] of Object.entries(config.secrets ?? {})) {
    if (file === undefined) continue
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error) {
      problems.push(
        found.code === 'ENOENT'
          ? `the secret ${name} is missing: there is no file ${file}. Make the missing ones: npm run secrets`
          : `the secret ${name}: ${file} cannot be looked at (${found.code}).`,
      )
      continue
    }
    if (!found.isFile()) {
      problems.push(`the secret ${name}: ${file} is not a file.`)
      continue
    }
    if (found.size === 0) problems.push(`the secret ${name}: ${file} is empty.`)
    if (name === 'jwt_secret' && found.size < jwtSecretBytes)
      problems.push(`the secret ${name}: ${file} has ${found.size} bytes, but needs ${jwtSecretBytes} at least.`)
    const unreadable = usersOf(config, name).filter(uid => !mayRead(found, uid))
    if (unreadable.length > 0)
      problems.push(
        `the secret ${name}: user ${unreadable.join(' and ')} of the containers may not read ${file}, since it keeps its owner and mode. Make it readable, in a folder that only you may enter: chmod 0444 ${shellWord(file)} && chmod 0700 ${shellWord(dirname(file))}`,
      )
    folders.add(dirname(file))
  }
  const warnings: string[] = []
  for (const folder of folders) {
    if (((await stat(folder)).mode & 0o011) !== 0)
      warnings.push(
        `Everybody on this machine may enter ${folder} and read the secrets there: chmod 0700 ${shellWord(folder)}`,
      )
  }
  return { problems, warnings }
}

/**
 * The files that containers are given from this checkout, or from a folder of the user's, and may not read: under a strict
 * umask none is there for others.
 */
export async function unreadableMounts({ services }: Config): Promise<string[]> {
  const problems: string[] = []
  for (const [name, service] of Object.entries(services)) {
    const user = userOf(service)
    // Root may read everything, unless that is taken from it. The number of another image's user is not known.
    if (Number.isNaN(user) || (user === 0 && !service.cap_drop?.includes('ALL'))) continue
    for (const { type, source } of service.volumes ?? []) {
      const found = type === 'bind' && source !== undefined ? await stat(source).catch(() => undefined) : undefined
      if (source === undefined || !found?.isFile() || mayRead(found, user)) continue
      problems.push(
        `${source} is mounted into ${name}, whose user ${user} may not read it: chmod a+r ${shellWord(source)}`,
      )
    }
  }
  return problems
}

/** The numbers of the users that a secret is for. */
function usersOf(config: Config, secret: string): number[] {
  const users = Object.values(config.services)
    .filter(({ secrets }) => secrets?.some(({ source }) => source === secret))
    .map(userOf)
  return [...new Set(users)]
}

/** The number of a container's user; not a number where only its image knows it. */
function userOf(service: Service): number {
  const { user = 'root' } = service
  return user === 'postgres' ? postgresUid(service) : user === 'root' ? 0 : Number.parseInt(user, 10)
}

function mayRead({ mode, uid, gid }: { mode: number; uid: number; gid: number }, user: number): boolean {
  if (user === uid) return (mode & 0o400) !== 0
  // Root in a container without capabilities is a user as any other.
  return user === gid ? (mode & 0o040) !== 0 : (mode & 0o004) !== 0
}

/** What is deployed is recorded at the end: that must not fail then. */
async function checkRecord({ options }: Production): Promise<string[]> {
  const folder = dirname(releaseRecord(options.project))
  const why = await whyUnwritable(folder)
  return why === undefined
    ? []
    : [`${folder} cannot be written (${why}), where what is deployed is recorded for the next boot.`]
}

async function checkDisk(production: Production): Promise<string[]> {
  const { stdout } = await production.docker(['info', '--format', '{{.DockerRootDir}}'])
  const folder = stdout.trim()
  // An engine on another machine has a disk that cannot be seen from here.
  const disk = await statfs(folder).catch(() => undefined)
  if (!disk || disk.bavail * disk.bsize >= freeBytes) return []
  return [`${folder} has ${sizeOf(disk.bavail * disk.bsize)} free, but a release needs ${sizeOf(freeBytes)}.`]
}

/** Bytes for people. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 ** 2
    ? `${Math.ceil(bytes / 1024)} kB`
    : `${Math.round(bytes / 1024 ** 2).toLocaleString('en-US')} MB`
}
