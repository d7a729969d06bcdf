// One bench by itself: what it finds is printed as a table, or written as JSON for the run of all.

import { writeFile } from 'node:fs/promises'
import { parseOptions } from '../../lib/command/options.ts'
import { report } from '../../lib/command/report.ts'
import { type Figure, isOver } from './figures.ts'
import { textTable } from './table.ts'

/** Runs it if its file is what was started. The exit code is 1 if a figure is over its limit. */
export async function runBench(meta: ImportMeta, bench: () => Promise<readonly Figure[]>): Promise<void> {
  if (!meta.main) return
  await report(async () => {
    const { json } = parseOptions({ json: { type: 'string' } })
    const figures = await bench()
    if (typeof json === 'string') await writeFile(json, JSON.stringify(figures))
    else console.log(textTable(figures))
    return figures.some(isOver) ? 1 : 0
  })
}
