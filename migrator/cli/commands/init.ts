// `init`: its options, and whether there is a terminal to ask on.

import { UsageError } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { hasColor, widthOf } from '../terminal.ts'

export const initCommand = defineCommand({
  name: 'init',
  summary: 'puts the gate into an existing project: an overlay file, lines of .env, a job for CI',
  description: `Finds compose file, database, migrations and apps, asks what it cannot know, and shows all of it before it writes.
Writes compose.schemagate.yml, .github/workflows/schemagate.yml and lines at the end of .env; never over a file that is there.
Ends by running doctor on the result.`,
  logsToStdout: false,
  folder: false,
  database: false,
  positionals: { names: [], required: 0 },
  options: {
    yes: { flag: 'yes', kind: 'switch', help: 'asks nothing, and takes the first of what there is' },
    dryRun: { flag: 'dry-run', kind: 'switch', help: 'shows what it would write' },
    server: { flag: 'server', kind: 'text', placeholder: 'SERVICE', help: "the database's service" },
    app: {
      flag: 'app',
      kind: 'text',
      placeholder: 'SERVICE',
      notWith: ['migrations'],
      help: 'the service whose image has the migration tool',
    },
    migrations: {
      flag: 'migrations',
      kind: 'text',
      placeholder: 'FOLDER',
      notWith: ['command'],
      help: 'a folder of SQL migrations, for the migrator of schemagate',
    },
    command: {
      flag: 'command',
      kind: 'text',
      placeholder: 'COMMAND',
      help: "what migrates, run with the app's image",
    },
  },
  async run({ options, print, signal }) {
    const { env, stdin, stdout } = process
    const isTerminal = stdin.isTTY === true && stdout.isTTY === true
    if (!isTerminal && !options.yes && !options.dryRun)
      throw new UsageError('There is no terminal to ask on. Give --yes, or --dry-run to see what it would write.')
    const { init } = await import('../../init/init.ts')
    return init({
      dryRun: options.dryRun,
      asking: { isInteractive: isTerminal && !options.yes && !options.dryRun, print: print.asItIs },
      database: options.server,
      app: options.app,
      migrations: options.migrations,
      command: options.command,
      diagnose: { cwd: process.cwd(), env, docker: true, signal },
      color: hasColor(stdout, env),
      width: widthOf(stdout),
      print: print.asItIs,
    })
  },
})
