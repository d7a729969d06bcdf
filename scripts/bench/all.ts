// Every bench, one after another, each in a process of its own; at the end one table. Exits 1 if a figure is over its limit.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseOptions, UsageError } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { type Figure, isOver } from './frame/figures.ts'
import { writePage } from './frame/page.ts'
import { textTable } from './frame/table.ts'

const help = `npm run bench -- [options]

  --only NAMES  these benches alone, separated by commas
  --plot        write docs/performance.svg and the table of docs/performance.md: on a quiet machine
`

await report(async () => {
  const options = parseOptions({
    only: { type: 'string' },
    plot: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) {
    console.log(help)
    return 0
  }
  const names = await chosen(options.only)
  const figures: Figure[] = []
  const failed: string[] = []
  for (const name of names) {
    const found = await run(name)
    if (found) figures.push(...found)
    else failed.push(name)
  }
  console.log(textTable(figures))
  for (const name of failed) console.error(`The bench ${name} failed: see above.`)
  if (options.plot && failed.length === 0) await writePage(figures)
  return failed.length > 0 || figures.some(isOver) ? 1 : 0
})

/** Each file beside this one is a bench. */
async function chosen(only: unknown): Promise<string[]> {
  const files = await readdir(import.meta.dirname)
  const all = files
    .filter(file => file.endsWith('.ts') && file !== basename(import.meta.filename))
    .map(file => basename(file, '.ts'))
    .toSorted()
  if (typeof only !== 'string') return all
  const names = only.split(',')
  const unknown = names.filter(name => !all.includes(name))
  if (unknown.length > 0) throw new UsageError(`There is no bench ${unknown.join(', ')}: they are ${all.join(', ')}.`)
  return names
}

/** What it found, undefined if it failed. */
async function run(name: string): Promise<readonly Figure[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-bench-'))
  const json = join(folder, 'figures.json')
  try {
    const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), '--json', json], {
      stdio: 'inherit',
    })
    await once(child, 'exit')
    const written = await readFile(json, 'utf8').catch(() => undefined)
    return written === undefined ? undefined : JSON.parse(written)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
