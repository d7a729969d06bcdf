// `create`: its options, and the paths of the files it wrote.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { exitCodes, UsageError } from '../../errors.ts'
import { options as commonOptions } from '../../settings/options.ts'
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
    // The default is this repository's own folder; in another project it would be a second folder beside that of the project.
    if (dir === commonOptions.dir.default && !existsSync(dirname(dir)))
      throw new UsageError(
        `No folder of migrations is named, and there is no ${dir} here, which is the default. Name yours with --dir or SCHEMAGATE_DIR; a new one is made.`,
      )
    const files = createMigrationFiles({ dir, layout, ignore, title: positionals[0]!, code: options.ts })
    for (const file of files) print(file)
    return exitCodes.done
  },
})
