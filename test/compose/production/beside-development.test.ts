// Development and production in one checkout: `npm run up` and `npm run deploy` have one project by default.

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

test('deploy and restore leave a development stack alone, and a list of dumps makes nothing', async ({
  production,
}) => {
  const volumes = async () => {
    const ofProject = `label=com.docker.compose.project=${production.project}`
    return (await production.docker('volume', 'ls', '--quiet', '--filter', ofProject)).stdout.trim()
  }
  expect(await production.run('restore', undefined, '--list')).toMatchObject({
    code: 0,
    output: expect.stringContaining('has no dump'),
  })
  expect(await volumes()).toBe('')
  const inDevelopment = ['compose', '-p', production.project, '-f', 'docker-compose.yml']
  expect((await production.docker(...inDevelopment, 'up', '--detach', '--wait', 'postgres')).exitCode).toBe(0)
  const refused = { code: 2, output: expect.stringContaining('has containers of docker-compose.yml alone') }
  expect(await production.run('deploy', current)).toMatchObject(refused)
  expect(await production.run('restore', current, '--from', 'x', '--yes')).toMatchObject(refused)
  expect(await volumes()).toBe(`${production.project}_postgres-data`)
  expect((await production.docker(...inDevelopment, 'down', '--volumes')).exitCode).toBe(0)
})
