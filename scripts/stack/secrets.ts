// The embedded stack's secrets: made once, kept beside its data, readable by the user alone.

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface StackSecrets {
  readonly ownerPassword: string
  readonly appPassword: string
  readonly jwtSecret: string
}

/** Reads the secrets in the folder `state`; makes them on the first call. */
export async function stackSecrets(state: string): Promise<StackSecrets> {
  const file = join(state, 'secrets.json')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    const secrets: StackSecrets = JSON.parse(known)
    return secrets
  }
  const secret = () => randomBytes(32).toString('base64url')
  const secrets = { ownerPassword: secret(), appPassword: secret(), jwtSecret: secret() }
  await mkdir(state, { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return secrets
}
