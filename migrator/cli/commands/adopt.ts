// `adopt`: its options, and what it took over, or would take over, as a table or as JSON.

import { exitCodes } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { formatOption } from '../shared-options.ts'
import { ignoreDifferencesOption, scratchUrlOption } from '../verify-options.ts'

export const adoptCommand = defineCommand({
  name: 'adopt',
  summary: "takes another tool's history over into the ledger, checked row by row against the files",
  description:
    'It runs no migration. It reads the table in which the other tool keeps what it has applied, holds each row against the files, and records in one transaction what both have. Rows that are half-done, files that were edited, are missing or out of order are refused. A second call takes over what the history has gained since.',
  logsToStdout: false,
  commits: true,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    from: {
      flag: 'from',
      kind: 'text',
      placeholder: 'TOOL',
      help: 'the tool, where the database has the history of more than one',
    },
    history: {
      flag: 'history',
      variable: 'SCHEMAGATE_HISTORY',
      kind: 'text',
      placeholder: 'SCHEMA.TABLE',
      help: "the history's table, where it is not the tool's usual one",
    },
    acceptEdited: {
      flag: 'accept-edited',
      kind: 'list',
      placeholder: 'NAME',
      help: 'the database already is as this file says now; `all` for every file',
    },
    forgetMissing: {
      flag: 'forget-missing',
      kind: 'list',
      placeholder: 'NAME',
      help: 'the file of this applied migration is gone for good; `all` for every one',
    },
    keepHistory: {
      flag: 'keep-history',
      kind: 'switch',
      help: "from now on each migration's own transaction writes the other tool's row, too: for apps that ask for it, and for the way back",
    },
    verify: {
      flag: 'verify',
      kind: 'switch',
      help: 'record only if the live schema is what the migrations make; else list the differences, and end with 7',
    },
    scratchUrl: { ...scratchUrlOption, onlyWith: ['verify'] },
    ignoreDifferences: ignoreDifferencesOption,
    dryRun: { flag: 'dry-run', kind: 'switch', help: 'show what would be recorded, and change nothing' },
    format: formatOption,
  },
  async run({ engine, options: { format, ignoreDifferences, ...options }, print, settings }) {
    const { adopt } = await import('../../verbs/adopt.ts')
    const result = await adopt(engine, { ...options, ignore: ignoreDifferences, appRole: settings.appRole })
    if (format === 'json') print.json(result)
    else {
      const { renderAdoption } = await import('../render-adoption.ts')
      print(renderAdoption(result))
    }
    return result.problems.length > 0 ? exitCodes.diverged : exitCodes.done
  },
})
