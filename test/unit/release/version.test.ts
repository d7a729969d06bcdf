// The version of a release: what RELEASING.md says to change is all that has to be changed.

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

const manifests = ['package.json', 'gate/package.json', 'migrator/package.json', 'app/package.json']
const read = (file: string) => readFile(join(root, file), 'utf8')

test('the manifests have one version, which README and docs name as the tag', async () => {
  const versions = await Promise.all(manifests.map(async file => JSON.parse(await read(file)).version))
  expect(new Set(versions).size).toBe(1)
  const releasing = await read('RELEASING.md')
  for (const file of [...manifests, 'README.md', 'docs/ci.md']) expect(releasing).toContain(`\`${file}\``)
  for (const [file, tag] of [
    ['README.md', /schemagate\.git#v([\w.-]+)/g],
    ['docs/ci.md', /actions\/smoke@v([\w.-]+)/g],
  ] as const) {
    const named = [...(await read(file)).matchAll(tag)].map(([, version]) => version)
    expect(named.length).toBeGreaterThan(0)
    expect(new Set(named)).toEqual(new Set([versions[0]]))
  }
})

test("with a new version npm install takes the workspace's own gate, and asks no registry for one", async () => {
  const checkout = await mkdtemp(join(tmpdir(), 'schemagate-version-'))
  onTestFinished(() => rm(checkout, { recursive: true, force: true }))
  await cp(join(root, 'package-lock.json'), join(checkout, 'package-lock.json'))
  for (const file of manifests) {
    await mkdir(join(checkout, file, '..'), { recursive: true })
    await writeFile(join(checkout, file), JSON.stringify({ ...JSON.parse(await read(file)), version: '99.0.0' }))
  }
  const args = ['install', '--package-lock-only', '--ignore-scripts', '--offline', '--no-audit', '--no-fund']
  await promisify(execFile)('npm', args, { cwd: checkout })
  const { packages } = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8'))
  expect(packages['node_modules/schemagate-gate']).toEqual({ resolved: 'gate', link: true })
  expect(packages.gate.version).toBe('99.0.0')
})
