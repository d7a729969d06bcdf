import { exitCodes } from '../errors.ts'
import { readFolder } from '../files/folder.ts'
import { manifestOf } from '../manifest.ts'
import type { Command } from './command.ts'

export const manifestCommand: Command = {
  name: 'manifest',
  summary: 'prints the manifest of the migrations folder as JSON',
  logsToStdout: false,
  database: false,
  positionals: { names: [], required: 0 },
  options: {},
  async run({ settings, print }) {
    print(JSON.stringify(manifestOf(readFolder(settings.dir)), null, 2))
    return exitCodes.done
  },
}
