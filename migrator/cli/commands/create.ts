// `create`: its options, and the paths of the files it wrote.

import { exitCodes } from '../../errors.ts'
import { defineCommand } from '../command.ts'

export const createCommand = defineCommand({
  name: 'create',
  summary: 'writes a new migration file, numbered after the newest, in the scheme that the folder uses',
  logsToStdout: false,
  database: false,
  positionals: { names: ['NAME'], required: 1 },
  options: { ts: { flag: 'ts', kind: 'switch', help: 'a code migration in TypeScript' } },
  async run({ settings, positionals, options, print }) {
    const { createMigrationFiles } = await import('../../files/create.ts')
    const { dir, layout, ignore } = settings
    const files = createMigrationFiles({ dir, layout, ignore, title: positionals[0]!, code: options.ts })
    for (const file of files) print(file)
    return exitCodes.done
  },
})
