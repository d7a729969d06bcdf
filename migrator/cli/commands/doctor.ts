// `doctor`: its options, and what it takes of the process: terminal, environment, standard input.

import { escapeControls } from '../../text/escape-controls.ts'
import { defineCommand } from '../command.ts'
import { hasColor, widthOf } from '../terminal.ts'
import { writeAtOnce } from '../write-at-once.ts'

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'finds what lets an unmigrated database be served, in any compose file',
  description: `Reads compose files as \`docker compose -f A -f B\` would; without one those that Compose finds, \`-\` is standard input.
Ends with 0, with 7 where there are errors, with 2 where a file cannot be read. Nothing is started, and no database is asked, but for --try.
A comment \`# schemagate-ignore: RULE reason\` silences one place; the label schemagate.role says what a service is.
All rules: docs/doctor.md`,
  logsToStdout: false,
  folder: false,
  database: false,
  positionals: { names: ['FILE'], required: 0, many: true },
  options: {
    all: { flag: 'all', kind: 'switch', help: 'shows notes, too' },
    image: {
      flag: 'image',
      kind: 'switch',
      help: 'looks at entrypoint and command of images that are on this machine',
    },
    fix: {
      flag: 'fix',
      kind: 'switch',
      notWith: ['try'],
      help: 'writes compose.schemagate.yml, an overlay that puts right what it can, and shows it',
    },
    try: {
      flag: 'try',
      kind: 'switch',
      help: 'brings the stack up as a project of its own, with a migration that fails, and says which services run all the same; takes it down again',
    },
    format: {
      flag: 'format',
      kind: 'choice',
      choices: ['text', 'json', 'sarif', 'github'],
      default: 'text',
      help: 'how findings are printed',
    },
  },
  async run({ positionals, options, print, signal }) {
    const { doctor } = await import('../../doctor/doctor.ts')
    const { text } = await import('node:stream/consumers')
    const { inspectImage } = await import('../../doctor/inspect-image.ts')
    const { env, stdout } = process
    return doctor({
      files: positionals,
      format: options.format,
      all: options.all,
      fix: options.fix,
      trial: options.try,
      signal,
      color: hasColor(stdout, env),
      width: widthOf(stdout),
      diagnose: {
        signal,
        cwd: process.cwd(),
        env,
        docker: true,
        stdin: positionals.includes('-') ? await text(process.stdin) : undefined,
        inspectImage: options.image ? inspectImage : undefined,
      },
      print: print.asItIs,
      say: line => void writeAtOnce(2, `${escapeControls(line)}\n`),
    })
  },
})
