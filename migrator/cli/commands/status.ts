// `status`: prints what is applied, pending and wrong, for people or as JSON.

import { exitCodes } from '../../errors.ts'
import { formatDuration } from '../../text/durations.ts'
import { escapeLine } from '../../text/escape-controls.ts'
import type { Status } from '../../verbs/status.ts'
import { defineCommand } from '../command.ts'
import { formatOption } from '../shared-options.ts'

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'shows what is applied, pending and wrong; never changes anything',
  logsToStdout: false,
  database: true,
  follows: true,
  positionals: { names: [], required: 0 },
  options: {
    format: formatOption,
    exitCode: { flag: 'exit-code', kind: 'switch', help: 'exit as `check` does, instead of 0 whatever the state' },
  },
  async run({ engine, options, print }) {
    const { exitCodeOf } = await import('../../verbs/check.ts')
    const { status } = await import('../../verbs/status.ts')
    const result = await status(engine)
    if (options.format === 'json') print.json(result)
    else print(render(result))
    return options.exitCode ? exitCodeOf(result) : exitCodes.done
  },
})

function render({ database, state, head, applied, pending, problems, follow }: Status): string {
  const lines = [
    `database  ${database.name} at ${database.host}:${database.port}, PostgreSQL ${database.version}`,
    `state     ${state}`,
    `head      ${escapeLine(head ?? 'none')}`,
    ...(follow ? [`follows   ${follow.tool}, ${follow.history ?? 'which has no history here'}`] : []),
    '',
    ...applied.map(
      m =>
        `  applied  ${[escapeLine(m.name), m.appliedAt?.replace(/\.\d+Z$/, 'Z'), m.durationMs === null ? null : formatDuration(m.durationMs)].filter(Boolean).join('  ')}`,
    ),
    ...pending.map(
      m =>
        `  pending  ${escapeLine(m.name)}${m.transaction !== false ? '' : '  no transaction'}${m.breaking ? '  breaking' : ''}`,
    ),
    ...(problems.length > 0 ? ['', ...problems.map(p => `  ${p.code}: ${p.message}`)] : []),
  ]
  return lines.join('\n').trimEnd()
}
