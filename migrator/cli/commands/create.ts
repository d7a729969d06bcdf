import { exitCodes } from '../../errors.ts'
import { createMigrationFiles } from '../../files/create.ts'
import type { Command } from '../command.ts'

export const createCommand: Command = {
  name: 'create',
  summary: 'writes a new migration file, numbered after the newest, in the scheme that the folder uses',
  logsToStdout: false,
  database: false,
  positionals: { names: ['NAME'], required: 1 },
  options: { ts: { flag: 'ts', kind: 'switch', help: 'a code migration in TypeScript' } },
  async run({ settings, positionals, own, print }) {
    const { dir, layout, ignore } = settings
    const files = createMigrationFiles({ dir, layout, ignore, title: positionals[0]!, code: own.ts === true })
    for (const file of files) print(file)
    return exitCodes.done
  },
}
