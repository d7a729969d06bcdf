// Writes the figures to docs/performance.md, between its marks, and to the picture beside it.

import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { root } from '../../lib/root.ts'
import type { Figure } from './figures.ts'
import { plot } from './plot.ts'
import { markdownTable } from './table.ts'

const part = /(<!-- figures: [^>]*-->\n)[\s\S]*?(<!-- \/figures -->)/

/** @throws Error if the page has no place for them. */
export async function writePage(figures: readonly Figure[]): Promise<void> {
  const page = join(root, 'docs/performance.md')
  const text = await readFile(page, 'utf8')
  if (!part.test(text)) throw new Error(`${page} has no part named figures`)
  const machine = `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}).`
  const lines = `${machine}\n\n${markdownTable(figures)}\n`
  await writeFile(
    page,
    text.replace(part, (_, open: string, close: string) => `${open}${lines}${close}`),
  )
  await writeFile(join(root, 'docs/performance.svg'), plot(figures))
}
