// The migrator's image from the npm package alone: no checkout of this repository, and no build of its own.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { $ } from 'zx'
import { folder } from '../../helpers/migrations.ts'
import { pack, unpack } from '../../helpers/packages.ts'
import { projectPrefix } from '../scenario/project.ts'

test('the installed package builds an image that reads a mounted folder, and one with a folder of its own', async ({
  skip,
}) => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const project = await mkdtemp(join(tmpdir(), `${projectPrefix}package-`))
  const image = `${projectPrefix}${process.pid}-package`
  onTestFinished(async () => {
    await $({ quiet: true, nothrow: true })`docker image rm ${image}-own ${image}`
    await rm(project, { recursive: true, force: true })
  })
  await unpack(await pack('migrator', project), join(project, 'node_modules/schemagate'))
  const inProject = $({ cwd: project, quiet: true })
  // as npm leaves it under a strict umask
  await inProject`chmod --recursive go-rwx node_modules/schemagate`
  await inProject`docker build --quiet --tag ${image} node_modules/schemagate`

  const migrations = await folder({ '0001_shop.sql': 'create table shop (id int);\n' })
  // the container's user is another one
  await chmod(migrations, 0o755)
  const readOnly = ['--rm', '--read-only', '--network', 'none']
  const mounted = await inProject`docker run ${readOnly} --volume ${migrations}:/migrations:ro ${image} manifest`.json()
  expect(mounted).toMatchObject({ head: '0001_shop' })

  await inProject`cp -r ${migrations} migrations`
  await writeFile(join(project, 'Dockerfile'), `FROM ${image}\nCOPY migrations /migrations\n`)
  await inProject`docker build --quiet --tag ${image}-own .`
  expect(await inProject`docker run ${readOnly} ${image}-own manifest`.json()).toEqual(mounted)
})
