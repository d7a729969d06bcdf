// The migrator's image: what was made when it was built, no run makes again; and who may read what is in it.

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { $ } from 'zx'
import { environment, root } from '../scenario/project.ts'

const stripTypes = 'NativeModule internal/deps/amaro/dist/index'

const load = `import(fs.globSync('/migrations/*.ts')[0]).then(() => console.log(JSON.stringify(process.moduleLoadList)))`

test('a migration in TypeScript is loaded as JavaScript, without what takes its types away', async ({ skip }) => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const loadedBy = (...options: readonly string[]): Promise<string[]> =>
    $({
      quiet: true,
    })`docker run --rm --read-only --network none ${options} --entrypoint node schemagate-migrator:${environment.IMAGE_TAG} -e ${load}`.json()
  expect(await loadedBy()).not.toContain(stripTypes)
  expect(await loadedBy('--env', 'NODE_COMPILE_CACHE=')).toContain(stripTypes)
})

test('the images of a checkout that a strict umask has made can be read by their users', async ({ skip }) => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const context = await mkdtemp(join(tmpdir(), 'schemagate-strict-'))
  onTestFinished(() => rm(context, { recursive: true, force: true }))
  const sources = ['package.json', 'package-lock.json', 'tsconfig.json', 'LICENSE', '.dockerignore']
  for (const source of [...sources, 'app', 'gate', 'migrator', 'scripts', 'docker'])
    await cp(join(root, source), join(context, source), {
      recursive: true,
      filter: path => !/^(?:node_modules|dist.*)$/.test(basename(path)),
    })
  const quietly = $({ quiet: true, cwd: context })
  await quietly`chmod --recursive go-rwx .`
  for (const target of ['migrator', 'gate', 'app']) {
    const image = (await quietly`docker build --quiet --target ${target} --file docker/Dockerfile .`).stdout.trim()
    const unreadable = 'find /app /schemagate /migrations ! -readable 2>/dev/null || true'
    expect((await quietly`docker run --rm --entrypoint sh ${image} -c ${unreadable}`).stdout, target).toBe('')
    await quietly`docker image rm --force ${image}`
  }
})
