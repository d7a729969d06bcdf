// What every compose command of the tests has in common, in the tests themselves and in their preparation.

import { resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

/** Every project of a test run is named after the run's process, so that a later run can remove what is left of it. */
export const projectPrefix = 'schemagate-test-'

/** The environment of every compose command: the images built for tests, and nothing of a developer's own settings. */
export function composeEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(POSTGRES_|APP_|PG[A-Z]+$|COMPOSE_|SCHEMAGATE_|JWT_SECRET|LOG_LEVEL|NODE_IMAGE|IMAGE_TAG)/
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return { ...Object.fromEntries(own), IMAGE_TAG: 'test' }
}
