// One deploy or restore of a project at a time, whichever checkout it is started from.

import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { root } from '../scenario/project.ts'
import { current } from '../scenario/releases.ts'
import { test } from './fixture.ts'
import { deploys, timeout } from './steps.ts'

/** Another checkout of this release: what its deploy needs of it. */
async function otherCheckout(): Promise<string> {
  const checkout = await mkdtemp(join(tmpdir(), 'schemagate-checkout-'))
  onTestFinished(() => rm(checkout, { recursive: true, force: true }))
  for (const path of ['scripts', 'docker', 'docker-compose.yml', 'migrator/text', 'package.json'])
    await cp(join(root, path), join(checkout, path), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  return checkout
}

test('a deploy keeps those from another checkout away, until it has ended', { timeout }, async ({ production }) => {
  const checkout = await otherCheckout()
  const deploy = production.start('deploy', current)
  await eventually(() => expect(deploy.output).toContain('- get the images ...'), { timeout: 60_000, interval: 20 })
  const refused = {
    code: 2,
    output: expect.stringMatching(
      new RegExp(`deploy or restore of ${production.project} is under way \\(process ${deploy.child.pid} on `),
    ),
  }
  // The engine need not do anything else for it: the other one waits for what it holds.
  deploy.child.kill('SIGSTOP')
  try {
    expect(await production.runIn(checkout, 'deploy', current)).toMatchObject(refused)
    expect(await production.runIn(checkout, 'restore', current, '--from', 'x', '--yes')).toMatchObject(refused)
  } finally {
    deploy.child.kill('SIGCONT')
  }
  expect((await deploy.ended).code, deploy.output).toBe(0)
  await deploys(production, current)
})
