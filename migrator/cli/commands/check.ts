import { exitCodes } from '../../errors.ts'
import { matches } from '../../verbs/check.ts'
import type { Command } from '../command.ts'
import type { Option } from '../options.ts'
import { logFailure } from '../run-summary.ts'

/** For `check` and `wait`. */
export const manifestOption: Option = {
  flag: 'manifest',
  variable: 'SCHEMAGATE_MANIFEST',
  kind: 'text',
  placeholder: 'FILE',
  help: 'ask what the app with this manifest asks: all of it is applied, and nothing breaking that it does not know',
}

export const checkCommand: Command = {
  name: 'check',
  summary: 'exits 0 when the database matches the files, 7 when migrations are pending, 6 when histories differ',
  logsToStdout: false,
  database: true,
  positionals: { names: [], required: 0 },
  options: { manifest: manifestOption },
  async run({ engine, log, settings, print }) {
    const { state, head, error } = await matches(engine, settings.manifestFile)
    if (error) {
      logFailure(log, error)
      return error.exitCode
    }
    print(`${state}: the head is ${head ?? 'none'}`)
    return exitCodes.done
  },
}
