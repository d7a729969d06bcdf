// `up`: its options, and the exit code of the run.

import { up } from '../../verbs/up.ts'
import { defineCommand } from '../command.ts'
import { reportRun, summarise } from '../run-summary.ts'

export const upCommand = defineCommand({
  name: 'up',
  summary: 'applies pending migrations, oldest first',
  description:
    '`schemagate plan` prints what it would run, and `schemagate status` what is applied, pending and wrong.',
  logsToStdout: true,
  commits: true,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    to: { flag: 'to', kind: 'text', placeholder: 'NAME', help: 'stop after this migration' },
    allowAhead: {
      flag: 'allow-ahead',
      kind: 'switch',
      help: 'succeed although the database has newer migrations, if none of them is breaking: for a rollback to an older release',
    },
    allowLate: {
      flag: 'allow-late',
      kind: 'list',
      placeholder: 'NAME',
      help: 'apply this migration although newer ones are applied: for a hotfix of an older release',
    },
  },
  async run({ engine, log, options, settings }) {
    const result = await up(engine, { ...options, appRole: settings.appRole })
    await reportRun(engine, 'up', result)
    return summarise(log, result, 'applied')
  },
})
