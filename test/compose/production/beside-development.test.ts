// `npm run up` and `npm run down` in a checkout from which production was deployed: both have one project by default.

import { expect } from 'vitest'
import { startProcess } from '../../helpers/process.ts'
import { environment, root } from '../scenario/project.ts'
import { current } from '../scenario/releases.ts'
import { test } from './fixture.ts'

test('the scripts for development leave a production stack alone, also its volumes', async ({ production }) => {
  const inProduction = async (...args: string[]) => {
    const { exitCode, stderr } = await production.compose(current, ...args)
    expect(exitCode, stderr).toBe(0)
  }
  const volumes = async () => {
    const ofProject = `label=com.docker.compose.project=${production.project}`
    return (await production.docker('volume', 'ls', '--quiet', '--filter', ofProject)).stdout.trim().split('\n')
  }
  await inProduction('up', '--detach', '--no-deps', '--wait', 'postgres')
  await inProduction('run', '--rm', '--no-deps', '-T', 'backup', 'list')
  const before = await volumes()
  expect(before).toHaveLength(2)

  const refused = async (script: 'up' | 'down', ...args: string[]) => {
    const all = [process.execPath, `scripts/stack/${script}.ts`, '--docker', '--project', production.project, ...args]
    const { code, output } = await startProcess(all, { cwd: root, env: environment }).ended
    expect(output).toContain(`${production.project} is a production stack`)
    expect(code, output).toBe(2)
    expect(await volumes()).toEqual(before)
  }
  await refused('down', '--volumes')
  await refused('up', '--fresh')
  expect(await production.sql('select 1')).toBe('1')
  // Its containers are gone, and its data is not.
  await inProduction('down')
  await refused('down', '--volumes')
  await refused('up', '--fresh')
})
