import { exitCodes } from '../errors.ts'
import { baseline } from '../run/baseline.ts'
import type { Command } from './command.ts'

export const baselineCommand: Command = {
  name: 'baseline',
  summary: 'records everything up to NAME as applied, without running it',
  logsToStdout: false,
  database: true,
  positionals: { names: ['NAME'], required: 1 },
  options: {},
  async run({ engine, positionals, print }) {
    const recorded = await baseline(engine, positionals[0]!)
    for (const name of recorded) print(`recorded ${name}`)
    if (recorded.length === 0) print('nothing to do: all of it is recorded already')
    return exitCodes.done
  },
}
