// `check`: says in one line and by the exit code whether the database matches the files or an app's manifest.

import { exitCodes } from '../../errors.ts'
import { escapeLine } from '../../text/escape-controls.ts'
import { defineCommand } from '../command.ts'
import { logFailure } from '../run-summary.ts'
import { manifestOption } from '../shared-options.ts'

export const checkCommand = defineCommand({
  name: 'check',
  summary: 'exits 0 when the database matches the files, 7 when migrations are pending, 6 when histories differ',
  logsToStdout: false,
  database: true,
  follows: true,
  positionals: { names: [], required: 0 },
  options: { manifest: manifestOption },
  async run({ engine, log, options, print }) {
    const { check } = await import('../../verbs/check.ts')
    const { state, head, error } = await check(engine, options.manifest)
    if (error) {
      logFailure(log, error)
      return error.exitCode
    }
    print(escapeLine(`${state}: the head is ${head ?? 'none'}`))
    return exitCodes.done
  },
})
