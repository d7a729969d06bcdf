// Where a mount keeps a database's data, and where it only looks so.

import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'

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
  const stdin = `services:\n  db:\n    image: ${image}\n    environment: { ${pgdata && `PGDATA: ${pgdata}`} }\n    volumes: ["data:${target}"]\nvolumes: { data: }\n`
  const { findings } = await diagnose(['-'], { cwd: tmpdir(), env: {}, docker: false, stdin })
  expect(findings.some(({ rule }) => rule.id === 'no-volume')).toBe(!keeps)
})
