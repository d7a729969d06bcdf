// Another project's images, made as the README says: theirs are the migrations, and nothing of the example is left.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { $ } from 'zx'
import { projectPrefix, root } from '../scenario/project.ts'

test("another project's images have its own migrations and their manifest, and none of the example's", async ({
  skip,
}) => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, command = ''] = /^docker (build .*--target migrator-base .*) \.(?: +#.*)?$/m.exec(readme) ?? []
  const [, dockerfile = ''] = /^```dockerfile\n([\s\S]*?)^```/m.exec(readme) ?? []
  const base = `${projectPrefix}${process.pid}-base`
  const own = `${projectPrefix}${process.pid}-own`
  const context = await mkdtemp(join(tmpdir(), `${own}-`))
  onTestFinished(async () => {
    await $({ quiet: true, nothrow: true })`docker image rm ${own} ${own}-app ${base}`
    await rm(context, { recursive: true, force: true })
  })
  await $({ cwd: root, quiet: true })`docker ${command.replace('schemagate-migrator', base).split(' ')} --quiet .`
  const empty = await $({ quiet: true, nothrow: true })`docker run --rm ${base} manifest`
  expect(empty.exitCode, empty.stderr).toBe(2)
  expect(empty.stderr).toContain('No migrations in /migrations')

  await mkdir(join(context, 'migrations'))
  await writeFile(join(context, 'migrations/0001_shop.sql'), 'create table shop (id int);\n')
  // Their app is any image.
  const text = dockerfile.replaceAll('schemagate-migrator', base).replace('my-app', base)
  await writeFile(join(context, 'Dockerfile'), text)
  const inContext = $({ cwd: context, quiet: true })
  await inContext`docker build --quiet --target migrator --tag ${own} .`
  await inContext`docker build --quiet --tag ${own}-app .`
  const { migrations } = await inContext`docker run --rm ${own} manifest`.json<{ migrations: { name: string }[] }>()
  expect(migrations.map(({ name }) => name)).toEqual(['0001_shop'])
  const built = await inContext`docker run --rm --entrypoint cat ${own}-app /app/manifest.json`.json()
  expect(built).toMatchObject({ head: '0001_shop', migrations })
})
