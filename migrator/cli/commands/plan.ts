// `plan`: prints what `up` would run, as SQL with comments or as JSON.

import { exitCodes } from '../../errors.ts'
import { split } from '../../sql/split.ts'
import { escapeLine } from '../../text/escape-controls.ts'
import type { PlannedMigration } from '../../verbs/plan.ts'
import { defineCommand } from '../command.ts'
import { formatOption } from '../shared-options.ts'

export const planCommand = defineCommand({
  name: 'plan',
  summary: 'prints the SQL that `up` would run',
  logsToStdout: false,
  database: true,
  positionals: { names: [], required: 0 },
  options: { format: formatOption },
  async run({ engine, options, print }) {
    const { plan } = await import('../../verbs/plan.ts')
    const result = await plan(engine)
    if (options.format === 'json') print.json(result)
    else if (result.migrations.length === 0) print(escapeLine(`-- nothing to do; the head is ${result.head ?? 'none'}`))
    else print.asItIs(result.migrations.map(render).join('\n\n'))
    return exitCodes.done
  },
})

/** As SQL with comments, so that it can be read, saved and compared. */
function render({ name, file, kind, transaction, breaking, steps }: PlannedMigration): string {
  const how = [
    kind === 'code'
      ? 'code'
      : transaction
        ? 'in one transaction'
        : `in ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`,
    ...(kind === 'code' && !transaction ? ['no transaction'] : []),
    ...(breaking ? ['breaking'] : []),
  ]
  const head = escapeLine(`-- ${name} (${how.join(', ')}): ${file}`)
  const bodies = steps.map((step, i) => {
    const note = transaction ? '' : `-- step ${i + 1}${step.transaction ? '' : ', outside of a transaction'}\n`
    return `${note}${terminated(step.sql)}`
  })
  return [head, ...bodies].join('\n')
}

/** With its last semicolon, in front of a comment at the end; the data of a COPY has none. */
function terminated(sql: string): string {
  const last = [...split(sql)].at(-1)
  // a word behind it is a statement of its own where there is a semicolon that is none of a comment's
  const isTerminated = [...split(`${sql}\nx`)].at(-1)?.first === 'x'
  return last && !isTerminated ? `${sql.slice(0, last.end)};${sql.slice(last.end)}` : sql
}
