// `follow`: says in one line, as JSON and by the exit code how another tool's history stands.

import { exitCodes } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { logFailure } from '../run-summary.ts'
import { formatOption, manifestOption } from '../shared-options.ts'

export const followCommand = defineCommand({
  name: 'follow',
  summary:
    'for a database that another tool migrates: compares its history, and installs what apps ask with; exits as `check`',
  description:
    "The one-shot after that tool's own run. It holds the tool's table against its files (--follow TOOL --dir FOLDER) or a manifest, installs require() over that table, publishes the manifest, makes the app's role if one is set, and has the table tell gates of a change where this role may put a trigger on it. It changes no row of the table.",
  logsToStdout: false,
  commits: true,
  database: true,
  follows: true,
  positionals: { names: [], required: 0 },
  options: { manifest: manifestOption, format: formatOption },
  async run({ engine, log, options, settings, print }) {
    const { follow } = await import('../../verbs/follow.ts')
    const { error, ...result } = await follow(engine, { manifestFile: options.manifest, appRole: settings.appRole })
    if (options.format === 'json') print.json(result)
    else {
      const { state, title, history, head, newer } = result
      const more = newer.length > 0 ? `, with ${newer.length} of newer releases` : ''
      print(`${state}: ${title} (${history}) is at ${head ?? 'nothing'}${more}`)
    }
    if (!error) return exitCodes.done
    logFailure(log, error)
    return error.exitCode
  },
})
