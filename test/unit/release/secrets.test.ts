// `npm run secrets`: puts the secrets where Compose will look for them.

import { cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { $ } from 'zx'
import { root } from '../../../scripts/lib/root.ts'

const names = ['app_password', 'jwt_secret', 'owner_password']

test('SECRETS_DIR counts from .env as from the environment, which wins', async () => {
  const checkout = await mkdtemp(join(tmpdir(), 'schemagate-checkout-'))
  onTestFinished(() => rm(checkout, { recursive: true, force: true }))
  for (const folder of ['lib', 'release'])
    await cp(join(root, 'scripts', folder), join(checkout, 'scripts', folder), { recursive: true })
  const { SECRETS_DIR: _, ...environment } = process.env
  const makeSecrets = (added: NodeJS.Dict<string> = {}) =>
    $({
      cwd: tmpdir(),
      env: { ...environment, ...added },
      quiet: true,
    })`${process.execPath} ${join(checkout, 'scripts/release/secrets.ts')}`

  await makeSecrets()
  expect(await readdir(join(checkout, 'secrets'))).toEqual(names)
  await writeFile(join(checkout, '.env'), 'SECRETS_DIR="./of the file"\n')
  await makeSecrets()
  expect(await readdir(join(checkout, 'of the file'))).toEqual(names)
  expect((await stat(join(checkout, 'of the file'))).mode & 0o777).toBe(0o700)
  await makeSecrets({ SECRETS_DIR: 'elsewhere' })
  expect(await readdir(join(checkout, 'elsewhere'))).toEqual(names)
})
