// The migrator of this repository as a service of somebody's stack.

import { migratorImageVariable } from '../../settings/image-variables.ts'
import type { Member, Stack } from '../model/stack.ts'

/** Its image by a variable, so that a project can say where it has it from. */
const image = `\${${migratorImageVariable}:-schemagate-migrator}`

/** @param volumes what is mounted below /migrations */
export function migratorService(
  { compose }: Stack,
  { service }: Member,
  volumes: readonly string[],
): Record<string, unknown> {
  const { name, environment } = service
  // as it is written: what comes from .env stays there
  const written = (keys: readonly string[], fallback: string) => {
    const key = keys.find(one => environment[one] !== undefined)
    const raw = key === undefined ? undefined : compose.places.raw(name, ['environment', key])
    return raw === undefined ? fallback : raw.startsWith(`${key}=`) ? raw.slice(key!.length + 1) : raw
  }
  const user = written(['POSTGRES_USER', 'POSTGRESQL_USERNAME'], 'postgres')
  return {
    image,
    restart: 'no',
    environment: {
      PGHOST: name,
      PGUSER: user,
      PGDATABASE: written(['POSTGRES_DB', 'POSTGRESQL_DATABASE'], user),
      PGPASSWORD: written(['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD'], ''),
    },
    volumes,
    depends_on: { [name]: { condition: 'service_healthy' } },
  }
}
