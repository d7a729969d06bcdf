import { exitCodes, UsageError } from '../errors.ts'
import { repair } from '../run/repair.ts'
import { type Command, names } from './command.ts'

export const repairCommand: Command = {
  name: 'repair',
  summary: 'accepts an edited file or forgets a missing one; changes the ledger, never the schema',
  logsToStdout: false,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    acceptEdited: {
      flag: 'accept-edited',
      kind: 'list',
      placeholder: 'NAME',
      help: 'the database already is as the file says now',
    },
    forgetMissing: { flag: 'forget-missing', kind: 'list', placeholder: 'NAME', help: 'the file is gone for good' },
  },
  async run({ engine, own, print }) {
    const [acceptEdited, forgetMissing] = [names(own.acceptEdited), names(own.forgetMissing)]
    if (acceptEdited.length + forgetMissing.length === 0)
      throw new UsageError(
        'Say what to repair: --accept-edited NAME or --forget-missing NAME. `schemagate status` shows the problems.',
      )
    for (const { migration, before, after } of await repair(engine, { acceptEdited, forgetMissing })) {
      print(`${migration}`)
      print(`  before  checksum ${before.checksum}`)
      print(`  after   ${after ? `checksum ${after.checksum}` : 'forgotten'}`)
    }
    return exitCodes.done
  },
}
