// What was deployed last, written down for docker/schemagate.service: at boot no person names the release.

import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { overlays } from '../lib/overlays.ts'
import { root } from '../lib/root.ts'
import type { ProductionOptions } from './production.ts'

/** The file that holds a project's record, as variables that Compose and systemd understand. */
export function releaseRecord(project: string): string {
  return join(root, `.schemagate/release-${project}.env`)
}

/** Records the release as the one that runs. */
export async function recordRelease({ project, tag, files }: ProductionOptions): Promise<void> {
  const file = releaseRecord(project)
  const variables = {
    COMPOSE_PROJECT_NAME: project,
    COMPOSE_FILE: [...overlays, ...files].join(':'),
    IMAGE_TAG: tag,
  }
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replace(/["\\$`]/g, '\\$&')}"\n`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, lines.join(''))
  await rename(`${file}.new`, file)
}
