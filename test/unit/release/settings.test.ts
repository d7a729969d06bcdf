// What deploy looks at before it touches anything: files that containers are given, and whether they can read them.

import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Service } from '../../../scripts/release/production.ts'
import { unreadableMounts } from '../../../scripts/release/settings.ts'

const postgres = { image: 'postgres:17', user: 'postgres' }

test('a file that is mounted must be readable for the user of the container', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-mounts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, "it's.conf")
  await writeFile(file, '')
  const problemsOf = (service: Service) =>
    unreadableMounts({
      services: {
        one: {
          ...service,
          volumes: [
            { type: 'bind', source: file },
            { type: 'volume', source: 'data' },
          ],
        },
      },
    })

  await chmod(file, 0o644)
  expect(await problemsOf(postgres)).toEqual([])
  await chmod(file, 0o600)
  expect(await problemsOf(postgres)).toEqual([
    `${file} is mounted into one, whose user 999 may not read it: chmod a+r '${folder}/it'\\''s.conf'`,
  ])
  expect(await problemsOf({ ...postgres, image: 'postgres:17-alpine' })).toEqual([
    `${file} is mounted into one, whose user 70 may not read it: chmod a+r '${folder}/it'\\''s.conf'`,
  ])
  expect(await problemsOf({ image: 'caddy:2', user: '1000:1000' })).toHaveLength(1)
  // root may read everything, unless that was taken from it; of a user's name alone nothing is known
  expect(await problemsOf({ image: 'caddy:2' })).toEqual([])
  expect(await problemsOf({ image: 'caddy:2', user: 'caddy' })).toEqual([])
  if (process.getuid?.() !== 0) return
  await chown(file, 999, 999)
  expect(await problemsOf(postgres)).toEqual([])
  expect(await problemsOf({ image: 'caddy:2', cap_drop: ['ALL'] })).toHaveLength(1)
})
