// `init --yes` on each example as it was before: to a gated, healthy stack with no other edit.

import { describe, expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { ask, chosen, startProject } from './fixture.ts'

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)

/** One of them in the ordinary run. */
const some = process.env.TEST_LONG === '1' ? chosen : chosen.slice(0, 1)

describe.for(some)('init --yes on $name', example => {
  test('makes a gated, healthy stack; a migration that fails keeps the port shut', async context => {
    const project = await startProject(example, context)
    await project.setMigration('good')
    const started = performance.now()
    const init = await project.init()
    expect(init.exitCode, init.stderr).toBe(0)
    const written = seconds(started)
    const up = await project.compose('up', '--detach', '--wait', '--build')
    expect(up.exitCode, up.stderr).toBe(0)
    await eventually(async () => expect(await ask((await project.url())!)).toEqual({ health: 200, request: 200 }))
    console.log(`${example.name}: init in ${written} s, gated in ${seconds(started)} s, 0 lines of YAML by hand`)
    await project.compose('down', '--volumes', '--timeout', '1')

    await project.setMigration('broken')
    const failed = await project.compose('up', '--detach', '--wait')
    expect(failed.exitCode, failed.stderr).not.toBe(0)
    expect(await project.state(example.app)).toBe('created')
  })
})
