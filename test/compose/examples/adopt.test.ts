// A living database of each tool whose files are SQL: refused and left as it is, then adopted, then served.

import { describe, expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { ask, chosen, startProject } from './fixture.ts'

const patient = { timeout: 60_000, interval: 250 }

describe.runIf(process.env.TEST_LONG === '1').for(chosen.filter(({ migrator }) => migrator !== undefined))(
  'a database that $name has migrated',
  example => {
    const migrator = example.migrator!

    test('is refused by up, taken over by adopt, and then served', async context => {
      const project = await startProject(example, context)
      await project.setMigration('good')
      await project.compose('up', '--detach')
      if (example.name === 'prisma')
        await eventually(async () => {
          const run = await project.compose('--profile', 'tools', 'run', '--rm', migrator)
          expect(run.exitCode, run.stderr).toBe(0)
        }, patient)
      await eventually(async () => expect(await ask((await project.url())!)).toMatchObject({ request: 200 }), patient)
      const dump = () => project.compose('exec', '-T', 'db', 'pg_dump', '-U', 'shop', 'shop')
      // pg_dump puts a random word into each dump
      const asItWas = withoutRestrict((await dump()).stdout)

      await project.gate()
      expect((await project.compose('up', '--detach', '--wait')).exitCode).not.toBe(0)
      const { stdout } = await project.compose('ps', '--all', '--format', '{{.ExitCode}}', migrator)
      expect(stdout.trim()).toBe('6')
      expect(withoutRestrict((await dump()).stdout)).toBe(asItWas)

      const adopted = await project.compose('run', '--rm', migrator, 'adopt')
      expect(adopted.exitCode, adopted.stderr).toBe(0)
      const up = await project.compose('up', '--detach', '--wait')
      expect(up.exitCode, up.stderr).toBe(0)
      await eventually(async () => expect(await ask((await project.url())!)).toEqual({ health: 200, request: 200 }))
    })
  },
)

function withoutRestrict(dump: string): string {
  expect(dump).toContain('CREATE TABLE public.users')
  return dump.replaceAll(/^\\(un)?restrict .*\n/gm, '')
}
