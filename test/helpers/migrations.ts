// The fixture `folder`: temporary folders of migrations, gone after the test.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Writes the files (`{ '0001_a.sql': '...', 'dir/up.sql': ... }`) into a new folder and returns its path. */
export async function folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'schemagate-migrations-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  await write(path, files)
  return path
}

/** Adds files to a folder, or replaces them: what a later version of an image would hold. */
export async function write(path: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), content)
  }
}
