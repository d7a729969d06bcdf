// `verify`: its options; prints the differences, or a snapshot to compare with later.

import { exitCodes } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { formatOption } from '../shared-options.ts'
import { ignoreDifferencesOption, scratchUrlOption } from '../verify-options.ts'

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: 'exits 7 and lists the differences when the live schema is not what the migrations make',
  description:
    'The migrations that are applied run in a scratch database, which is dropped again; its schema is kept in the ledger, so that the next time costs nothing.\nWith --expect the schema is compared with a snapshot instead, which --snapshot prints.',
  logsToStdout: false,
  database: true,
  positionals: { names: [], required: 0 },
  options: {
    scratchUrl: scratchUrlOption,
    expect: {
      flag: 'expect',
      kind: 'text',
      notWith: ['snapshot'],
      placeholder: 'FILE',
      help: 'compare with this snapshot; - is standard input',
    },
    snapshot: { flag: 'snapshot', kind: 'switch', help: 'print the live schema as a snapshot, and compare nothing' },
    ignoreDifferences: { ...ignoreDifferencesOption, flag: 'ignore', notWith: ['snapshot'] },
    format: formatOption,
  },
  async run({ engine, options, print }) {
    const { verify, snapshot } = await import('../../verbs/verify.ts')
    if (options.snapshot) {
      const { printSnapshot } = await import('../../verify/snapshot.ts')
      print.asItIs(printSnapshot(await snapshot(engine)).trimEnd())
      return exitCodes.done
    }
    const { scratchUrl, expect, ignoreDifferences: ignore } = options
    const result = await verify(engine, { scratchUrl, expect, ignore })
    const { asJson, asText } = await import('../../verify/report.ts')
    if (options.format === 'json') print.json(asJson(result))
    else print(asText(result))
    return result.differences.length === 0 ? exitCodes.done : exitCodes.notReady
  },
})
