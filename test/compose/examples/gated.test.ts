// Each example as it was before, and with its overlay: what answers while the database is not migrated.

import { describe, expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { ask, chosen, startProject } from './fixture.ts'

const patient = { timeout: 60_000, interval: 250 }

describe.for(chosen)('the example $name', example => {
  test('served on an unmigrated database; with the overlay its port stays shut until it is migrated', async context => {
    const project = await startProject(example, context)
    await project.setMigration('broken')
    await project.compose('up', '--detach')
    await eventually(async () => {
      const url = await project.url()
      expect(url).toBeDefined()
      expect(await ask(url!)).toEqual({ health: 200, request: 500 })
    }, patient)
    await project.compose('down', '--volumes', '--timeout', '1')

    await project.gate()
    const failed = await project.compose('up', '--detach', '--wait')
    expect(failed.exitCode, failed.stderr).not.toBe(0)
    expect(await project.state(example.app)).toBe('created')

    await project.setMigration('good')
    const up = await project.compose('up', '--detach', '--wait')
    expect(up.exitCode, up.stderr).toBe(0)
    await eventually(async () => expect(await ask((await project.url())!)).toEqual({ health: 200, request: 200 }))
    await example.afterwards?.(project)
  })
})
