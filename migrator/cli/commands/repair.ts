// `repair`: its options, and each changed row of the ledger before and after.

import { exitCodes, UsageError } from '../../errors.ts'
import { escapeLine } from '../../text/escape-controls.ts'
import { defineCommand } from '../command.ts'

export const repairCommand = defineCommand({
  name: 'repair',
  summary:
    'accepts an edited file, forgets a missing one, or follows a renamed one; changes the ledger, never the schema',
  logsToStdout: false,
  commits: true,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    acceptEdited: {
      flag: 'accept-edited',
      kind: 'list',
      placeholder: 'NAME',
      help: 'accept that the file was edited: the database already is as it says now',
    },
    forgetMissing: {
      flag: 'forget-missing',
      kind: 'list',
      placeholder: 'NAME',
      help: 'forget a migration whose file was removed for good',
    },
    rename: {
      flag: 'rename',
      kind: 'list',
      placeholder: 'OLD=NEW',
      help: "the file was renamed: gives the ledger's row its new name, so that the file is not applied again",
    },
  },
  async run({ engine, options, print }) {
    if (Object.values(options).every(list => list.length === 0))
      throw new UsageError(
        'Say what to repair: --accept-edited NAME, --forget-missing NAME or --rename OLD=NEW. `schemagate status` shows the problems.',
      )
    const { repair } = await import('../../verbs/repair.ts')
    for (const { migration, before, after } of await repair(engine, options)) {
      print(escapeLine(migration))
      print(`  before  checksum ${before.checksum}`)
      const renamed = after && after.name !== migration ? `name ${escapeLine(after.name)}, ` : ''
      print(`  after   ${after ? `${renamed}checksum ${after.checksum}` : 'forgotten'}`)
    }
    return exitCodes.done
  },
})
