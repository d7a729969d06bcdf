// What a failed scenario leaves behind for people: its containers, events and logs, as files and in the test's output.

import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { ProcessOutput } from 'zx'
import { root } from './project.ts'

/** One folder for each test, under `.schemagate/artifacts`; CI keeps it. */
export async function keepArtifacts(
  test: { readonly name: string },
  outputs: Readonly<Record<string, ProcessOutput>>,
): Promise<void> {
  const folder = join(root, '.schemagate/artifacts', test.name.replace(/\W+/g, '-').slice(0, 100))
  await mkdir(folder, { recursive: true })
  for (const [name, { stdout, stderr }] of Object.entries(outputs)) {
    const text = stripVTControlCharacters(stdout + stderr)
    await writeFile(join(folder, `${name}.txt`), text)
    console.error(`=== ${name}\n${text}`)
  }
  console.error(`kept in ${relative(root, folder)}`)
}
