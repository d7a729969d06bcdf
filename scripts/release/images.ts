// The release's two images: there, and of one build.

import { UsageError } from '../lib/command/options.ts'
import type { Production } from './production.ts'

export interface Release {
  readonly appImageId: string
  /** The newest migration that the app was built with. */
  readonly head: string | null
  /** As the images' labels have it. */
  readonly version: string
}

/** Builds the images, or sees to it that they are there. @throws UsageError if they cannot be had. */
export async function obtainImages(production: Production, build: boolean): Promise<void> {
  if (build) {
    const built = await production.compose(['build', '--quiet', 'migrator', 'app'])
    if (built.exitCode !== 0) throw new UsageError(`The images could not be built.\n${built.stdout}${built.stderr}`)
    return
  }
  for (const image of Object.values(await imageNames(production))) {
    if ((await production.docker(['image', 'inspect', image])).exitCode === 0) continue
    const pulled = await production.docker(['pull', '--quiet', image])
    if (pulled.exitCode !== 0)
      throw new UsageError(
        `${image} is not here and cannot be pulled. Is --tag right? --build builds it from this checkout.\n${pulled.stderr.trim()}`,
      )
  }
}

async function imageNames(production: Production): Promise<{ migrator: string; app: string }> {
  const { services } = await production.config()
  const { migrator, app } = services
  if (!migrator || !app) throw new UsageError('The compose files have no services migrator and app.')
  return { migrator: migrator.image, app: app.image }
}

/** Looks at both images. @throws UsageError if they are not of one version, or were not made from the same migrations. */
export async function examineImages(production: Production): Promise<Release> {
  const names = await imageNames(production)
  const [migrator, app] = await Promise.all([inspect(production, names.migrator), inspect(production, names.app)])
  if (migrator.version !== app.version || migrator.revision !== app.revision)
    throw new UsageError(
      `${names.migrator} is version ${migrator.version} (${migrator.revision}) and ${names.app} version ${app.version} (${app.revision}): they are not of one release. Build or pull both.`,
    )
  const [applied, needed] = await Promise.all([
    manifestOf(production, names.migrator, '/schemagate/manifest.json'),
    manifestOf(production, names.app, '/app/dist/manifest.json'),
  ])
  if (applied !== needed)
    throw new UsageError(
      `${names.migrator} and ${names.app} were built with different migrations: the app would never open. Build both from the same sources.`,
    )
  const { head }: { head: string | null } = JSON.parse(needed)
  return { appImageId: app.id, head, version: app.version }
}

async function inspect(production: Production, image: string) {
  const { exitCode, stdout } = await production.docker(['image', 'inspect', image])
  if (exitCode !== 0) throw new UsageError(`There is no image ${image}.`)
  const [{ Id: id, Config: config }] = JSON.parse(stdout) as [
    { Id: string; Config: { Labels: Record<string, string> | null } },
  ]
  const label = (name: string) => config.Labels?.[`org.opencontainers.image.${name}`] ?? 'unknown'
  return { id, version: label('version'), revision: label('revision') }
}

/** The manifest that an image was built with, in one form. @throws UsageError if it has none. */
export async function manifestOf(production: Production, image: string, file: string): Promise<string> {
  const read = ['run', '--rm', '--network', 'none', '--read-only', '--entrypoint', 'cat', image, file]
  const { exitCode, stdout, stderr } = await production.docker(read)
  if (exitCode !== 0) throw new UsageError(`${image} has no manifest (${file}).\n${stderr.trim()}`)
  return JSON.stringify(JSON.parse(stdout))
}
