// The migrator of this repository as a service of somebody's stack.

import { migratorImageVariable } from '../../settings/image-variables.ts'
import { asMap } from '../compose/merge.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'

/** Its image by a variable, so that a project can say where it has it from. */
const image = `\${${migratorImageVariable}:-schemagate-migrator}`

/** @param volumes what is mounted below /migrations */
export function migratorService(
  { compose }: Stack,
  { service }: Member,
  volumes: readonly string[],
): Record<string, unknown> {
  const { name, environment, profiles } = service
  const own = compose.written[name] ?? {}
  const variables = asMap(own.environment)
  // as it is written: what comes from .env stays there
  const written = (keys: readonly string[], fallback: string) => {
    const key = keys.find(one => environment[one] !== undefined)
    const inFile = keys.find(one => environment[`${one}_FILE`] !== undefined)
    if (key === undefined && inFile === undefined) return fallback
    if (key === undefined) return `\${${inFile}:?as ${name} has it}`
    const value = variables[key]
    // of an env_file, which only its own service reads; compose reads .env, and says so where that has not got it
    if (value === undefined) return `\${${key}:?as ${name} has it}`
    return value === null ? `\${${key}}` : String(value)
  }
  const user = written(['POSTGRES_USER', 'POSTGRESQL_USERNAME'], 'postgres')
  const [inFile, file] = [environment.POSTGRES_PASSWORD_FILE !== undefined, own.secrets]
  const password = inFile
    ? { PGPASSWORD_FILE: written(['POSTGRES_PASSWORD_FILE'], '') }
    : { PGPASSWORD: written(['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD'], '') }
  const networks = namesOf(own.networks)
  return {
    image,
    restart: 'no',
    ...(profiles.length > 0 && { profiles }),
    environment: {
      PGHOST: name,
      PGUSER: user,
      PGDATABASE: written(['POSTGRES_DB', 'POSTGRESQL_DATABASE'], user),
      ...password,
    },
    volumes,
    ...(inFile && file !== undefined && file !== null && { secrets: file }),
    ...(networks.length > 0 && { networks }),
    depends_on: { [name]: { condition: 'service_healthy' } },
  }
}

/** Networks by name alone: an address or an alias is the database's own. */
function namesOf(networks: unknown): string[] {
  if (Array.isArray(networks)) return networks.map(String)
  return typeof networks === 'object' && networks !== null ? Object.keys(networks) : []
}
