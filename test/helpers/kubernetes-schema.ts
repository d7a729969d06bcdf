// Holds objects against the Kubernetes API: unknown fields are refused, required ones demanded, types compared.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx'
import { root } from '../../scripts/lib/root.ts'

/** What Kubernetes' JSON schemas leave open, the TypeScript types that are generated from them refuse in a literal. */
const types = join(root, 'node_modules/kubernetes-types')

/** Where each kind is defined; the core group has no name. */
const modules: Readonly<Record<string, string>> = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'batch/v1': 'batch/v1',
  'policy/v1': 'policy/v1',
}

/** The compiler's complaints, each with the name of the object that it is about; none if all is well. */
export async function schemaErrors(
  objects: readonly { apiVersion?: string; kind?: string; metadata?: { name?: string } }[],
) {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-schema-'))
  try {
    const lines = objects.map((object, index) => {
      const module = modules[object.apiVersion ?? '']
      if (module === undefined) return `export const unknown${index}: never = ${JSON.stringify(object.apiVersion)}`
      const type = `import(${JSON.stringify(join(types, module))}).${object.kind}`
      return `export const object${index}: ${type} = ${JSON.stringify(object)}`
    })
    await writeFile(join(folder, 'objects.ts'), `${lines.join('\n')}\n`)
    const tsc = join(root, 'node_modules/.bin/tsc')
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--types',
      '',
    ]
    const { exitCode, stdout, stderr } = await $({
      cwd: folder,
      quiet: true,
      nothrow: true,
    })`${tsc} ${options} objects.ts`
    const complaints = [...stdout.matchAll(/^objects\.ts\((\d+),\d+\): error TS\d+: (.*)$/gm)].map(
      ([, line, message]) => `${objects[Number(line) - 1]?.metadata?.name}: ${message}`,
    )
    if (exitCode !== 0 && complaints.length === 0) throw new Error(`tsc ended with ${exitCode}: ${stdout}${stderr}`)
    return complaints
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
