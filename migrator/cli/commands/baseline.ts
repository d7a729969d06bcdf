// `baseline`: its options, and the names of what it recorded, a line each.

import { exitCodes } from '../../errors.ts'
import { escapeLine } from '../../text/escape-controls.ts'
import { defineCommand } from '../command.ts'
import { ignoreDifferencesOption, scratchUrlOption } from '../verify-options.ts'

export const baselineCommand = defineCommand({
  name: 'baseline',
  summary: 'records everything up to NAME as applied, without running it; refuses where the database has no table',
  logsToStdout: false,
  commits: true,
  database: true,
  positionals: { names: ['NAME'], required: 1 },
  options: {
    replacingMissing: {
      flag: 'replacing-missing',
      kind: 'switch',
      help: 'NAME is a squash: removes the rows before it whose files are gone from the ledger',
    },
    verify: {
      flag: 'verify',
      kind: 'switch',
      help: 'record only if the live schema is what the migrations make; else list the differences, and end with 7',
    },
    scratchUrl: { ...scratchUrlOption, onlyWith: ['verify'] },
    ignoreDifferences: ignoreDifferencesOption,
  },
  async run({ engine, options, positionals, print, settings }) {
    const { baseline } = await import('../../verbs/baseline.ts')
    const { recorded, replaced, tables } = await baseline(engine, positionals[0]!, {
      replacingMissing: options.replacingMissing,
      appRole: settings.appRole,
      verify: options.verify,
      scratchUrl: options.scratchUrl,
      ignore: options.ignoreDifferences,
    })
    for (const name of replaced) print(escapeLine(`replaced ${name}`))
    for (const name of recorded) print(escapeLine(`recorded ${name}`))
    print(
      recorded.length + replaced.length === 0
        ? 'nothing to do: everything is recorded already'
        : `nothing was run: the database has ${tables} ${tables === 1 ? 'table' : 'tables'}`,
    )
    return exitCodes.done
  },
})
