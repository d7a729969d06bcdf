// `npm run secrets`: makes the production stack's secrets that are not there yet, readable by its containers alone.

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseOptions } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { root } from '../lib/root.ts'
import { setting } from '../lib/setting.ts'

const help = `
Usage: npm run secrets

Makes owner_password, app_password and jwt_secret in SECRETS_DIR of the environment or .env (default: secrets), those that are missing. The folder
can be entered by you alone; the files in it are readable, since a container sees them as another user. Keep copies: a
Postgres volume keeps the owner's password that it was first made with.
`

const names = ['owner_password', 'app_password', 'jwt_secret']

await report(async () => {
  if (parseOptions({ help: { type: 'boolean', short: 'h' } }).help) {
    console.log(help.trim())
    return 0
  }
  const folder = resolve(root, (await setting('SECRETS_DIR')) || 'secrets')
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o700)
  for (const name of names) {
    const file = join(folder, name)
    try {
      await writeFile(file, `${randomBytes(36).toString('base64url')}\n`, { flag: 'wx' })
      await chmod(file, 0o444)
      console.log(`made ${file}`)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      console.log(`kept ${file}`)
    }
  }
  return 0
})
