// `down`: its options, and the exit code of the run.

import { UsageError } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { reportRun, summarise } from '../run-summary.ts'

export const downCommand = defineCommand({
  name: 'down',
  summary: 'reverts, newest first; needs --yes; refuses a migration with no down part',
  logsToStdout: true,
  commits: true,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    to: { flag: 'to', kind: 'text', placeholder: 'NAME', help: 'revert everything after this migration; it stays' },
    step: {
      flag: 'step',
      kind: 'count',
      placeholder: 'N',
      help: 'how many migrations to revert; 1 if neither is given',
    },
    yes: { flag: 'yes', kind: 'switch', help: 'confirms it: what the migrations made is lost' },
  },
  async run({ engine, log, options }) {
    const { to, step, yes } = options
    if (to !== undefined && step !== undefined)
      throw new UsageError('--to and --step both say how far to revert. Give one of them.')
    const { down } = await import('../../verbs/down.ts')
    const result = await down(engine, { to, step, confirmed: yes })
    await reportRun(engine, 'down', result)
    return summarise(log, result, 'reverted')
  },
})
