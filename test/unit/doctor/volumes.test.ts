// Where a mount keeps a database's data, and where it only looks so.

import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'

const read = (stdin: string) => diagnose(['-'], { cwd: tmpdir(), env: {}, docker: false, stdin })

test.for([
  ['postgres:17', '', '/var/lib/postgresql/data', true],
  // the image has a volume of its own below it, which hides the mount
  ['postgres:17', '', '/var/lib/postgresql', false],
  ['postgres:17', '/var/lib/postgresql/data/pgdata', '/var/lib/postgresql/data', true],
  ['postgres:17', '/var/lib/postgresql/data/pgdata', '/var/lib/postgresql', false],
  ['postgres:17', '/srv/pg/data', '/srv', true],
  ['postgres:17', '/srv/pg/data', '/srv/pg/', true],
  ['postgres:17', '/srv/pg/data', '/srv/p', false],
  ['postgres:17', '/srv/pg/data', '/', true],
  ['postgres:18', '', '/var/lib/postgresql', true],
  ['postgres:18', '', '/var/lib/postgresql/data', false],
] as const)('%s with PGDATA "%s" keeps its data in a volume at %s: %s', async ([image, pgdata, target, keeps]) => {
  const { findings } = await read(
    `services:\n  db:\n    image: ${image}\n    environment: { ${pgdata && `PGDATA: ${pgdata}`} }\n    volumes: ["data:${target}"]\nvolumes: { data: }\n`,
  )
  expect(findings.some(({ rule }) => rule.id === 'no-volume')).toBe(!keeps)
})

test('a volume that is declared and not mounted is named, and one that another service mounts is not', async () => {
  const services = 'services:\n  db: { image: "postgres:17" }\n  files: { image: a, volumes: ["files-db:/srv"] }\n'
  const unused = async (volumes: string) =>
    (await read(`${services}volumes: { ${volumes} }\n`)).findings.find(({ rule }) => rule.id === 'no-volume')?.what
  expect(await unused('files-db: , pg: ')).toMatch(
    /ends with its container: the volume pg is declared and not mounted\.$/,
  )
  expect(await unused('files-db: ')).toMatch(/ends with its container\.$/)
})
