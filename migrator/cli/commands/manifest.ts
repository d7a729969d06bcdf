// `manifest`: prints the manifest, of the migrations folder or of the files of the tool that is followed.

import { exitCodes } from '../../errors.ts'
import { readFolder } from '../../files/folder.ts'
import { folderOptions } from '../../run/engine.ts'
import { defineCommand } from '../command.ts'

export const manifestCommand = defineCommand({
  name: 'manifest',
  summary: 'prints the manifest of the migrations folder as JSON',
  description:
    "With --follow it is made from the files of the tool that migrates the database, and read by `follow` and by the app's gate.",
  logsToStdout: false,
  database: false,
  follows: true,
  positionals: { names: [], required: 0 },
  options: {},
  async run({ settings, log, print }) {
    const { dir, follow } = settings
    const options = folderOptions(settings, log)
    if (follow === undefined) {
      const { manifestOf } = await import('../../files/manifest.ts')
      print.json(manifestOf(readFolder(dir, options)), 2)
    } else {
      const { followedManifest } = await import('../../follow/manifest.ts')
      print.json(await followedManifest(settings, options), 2)
    }
    return exitCodes.done
  },
})
