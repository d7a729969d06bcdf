import { exitCodes } from '../../errors.ts'
import { readFolder } from '../../files/folder.ts'
import { manifestOf } from '../../files/manifest.ts'
import { folderOptions } from '../../run/engine.ts'
import { defineCommand } from '../command.ts'

export const manifestCommand = defineCommand({
  name: 'manifest',
  summary: 'prints the manifest of the migrations folder as JSON',
  logsToStdout: false,
  database: false,
  positionals: { names: [], required: 0 },
  options: {},
  async run({ settings, log, print }) {
    print(JSON.stringify(manifestOf(readFolder(settings.dir, folderOptions(settings, log))), null, 2))
    return exitCodes.done
  },
})
