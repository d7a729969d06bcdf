// docker/backup.sh, as deploy and restore run it: what a dump holds, and what a restore must not lose.

import { expect } from 'vitest'
import { current } from '../scenario/releases.ts'
import { type Production, test } from './fixture.ts'
import { timeout } from './steps.ts'

test('a restore finds its dump, although the one that it takes before would push it out', { timeout }, async ({
  production,
}) => {
  await bringUpDatabase(production)
  const dumps = Array.from({ length: 10 }, (_, i) => `202601${10 + i}T000000Z-before-x`)
  for (const name of dumps) await backup(production, [], 'dump', name)
  const [oldest = ''] = dumps

  const { code, output } = await production.run('restore', current, '--from', oldest, '--yes')
  expect(code, output).toBe(0)
  const listed = (await production.run('restore', current, '--list')).output
  for (const name of dumps) expect(listed).toContain(name)
  // The next deploy that takes one removes what is too much.
  await backup(production, [], 'prune')
  const kept = (await production.run('restore', current, '--list')).output.trim().split('\n')
  expect(kept).toHaveLength(10)
  expect(kept[0]).toContain('before-restore')
  expect(kept.join()).not.toContain(oldest)
})

async function bringUpDatabase(production: Production): Promise<void> {
  for (const args of [
    ['up', '--detach', '--no-deps', '--wait', 'postgres'],
    ['run', '--rm', '--no-deps', '-T', 'migrator', 'up'],
  ]) {
    const { exitCode, stdout, stderr } = await production.compose(current, ...args)
    expect(exitCode, stdout + stderr).toBe(0)
  }
}

/** A command of backup.sh, which must end well; returns what it printed. */
async function backup(production: Production, options: readonly string[], ...args: string[]): Promise<string> {
  const run = await production.compose(current, 'run', '--rm', '--no-deps', '-T', ...options, 'backup', ...args)
  expect(run.exitCode, run.stdout + run.stderr).toBe(0)
  return run.stdout.trim()
}
