import { exitCodes } from '../../errors.ts'
import type { Option } from '../../settings/option.ts'
import { check } from '../../verbs/check.ts'
import { defineCommand } from '../command.ts'
import { logFailure } from '../run-summary.ts'

/** For `check` and `wait`. */
export const manifestOption = {
  flag: 'manifest',
  variable: 'SCHEMAGATE_MANIFEST',
  kind: 'text',
  placeholder: 'FILE',
  help: 'ask for the app with this manifest: whether all of it is applied, and nothing breaking that it does not know',
} as const satisfies Option

export const checkCommand = defineCommand({
  name: 'check',
  summary: 'exits 0 when the database matches the files, 7 when migrations are pending, 6 when histories differ',
  logsToStdout: false,
  database: true,
  positionals: { names: [], required: 0 },
  options: { manifest: manifestOption },
  async run({ engine, log, options, print }) {
    const { state, head, error } = await check(engine, options.manifest)
    if (error) {
      logFailure(log, error)
      return error.exitCode
    }
    print(`${state}: the head is ${head ?? 'none'}`)
    return exitCodes.done
  },
})
