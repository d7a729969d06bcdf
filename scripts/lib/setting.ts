// A setting as Compose takes it: from the environment, or else from `.env`.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { root } from './root.ts'

/** The variable's value; undefined if neither has it. */
export async function setting(name: string): Promise<string | undefined> {
  return process.env[name] ?? parseEnv(await readFile(join(root, '.env'), 'utf8').catch(() => ''))[name]
}
