import { up } from '../../verbs/up.ts'
import { type Command, names } from '../command.ts'
import { summarise } from '../run-summary.ts'

export const upCommand: Command = {
  name: 'up',
  summary: 'applies pending migrations, oldest first',
  logsToStdout: true,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    to: { flag: 'to', kind: 'text', placeholder: 'NAME', help: 'stop after this migration' },
    allowAhead: {
      flag: 'allow-ahead',
      kind: 'switch',
      help: 'end well when the database has newer migrations, if none of them is breaking: for a rollback to an older release',
    },
    allowLate: {
      flag: 'allow-late',
      kind: 'list',
      placeholder: 'NAME',
      help: 'apply this migration although newer ones are applied: for a hotfix of an older release',
    },
  },
  async run({ engine, log, own, settings }) {
    const to = typeof own.to === 'string' ? own.to : undefined
    const result = await up(engine, {
      to,
      allowAhead: own.allowAhead === true,
      allowLate: names(own.allowLate),
      appRole: settings.appRole,
    })
    return summarise(log, result, 'applied')
  },
}
