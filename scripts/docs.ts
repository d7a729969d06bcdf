// Writes the generated parts of the README: the commands and the options, from the code itself.

import { readFileSync, writeFileSync } from 'node:fs'
import { commands } from '../migrator/cli/commands/index.ts'
import { usageOf } from '../migrator/cli/help.ts'
import { commonOptions, type Option } from '../migrator/cli/options.ts'
import { layoutNamed, tools } from '../migrator/files/tools/index.ts'

const readme = new URL('../README.md', import.meta.url)

/** The README with its generated parts as they should be. */
export function withGeneratedParts(text: string): string {
  const commandRows = commands.map(c => `| \`${usageOf(c)}${flags(Object.values(c.options))}\` | ${c.summary} |`)
  const optionRows = Object.values<Option>(commonOptions).map(
    o =>
      `| \`--${o.flag}\` | ${o.variable ? `\`${o.variable}\`` : ''} | ${o.default ? `\`${o.default}\`` : ''} | ${o.help} |`,
  )
  const toolRows = tools
    .filter(tool => tool.reads !== undefined || tool.not !== undefined)
    .map(({ name, title, reads = 'nothing', not = '' }) => {
      const layout = layoutNamed(name) ? `\`${name}\`` : ''
      return `| ${title} | ${layout} | ${reads} | ${not} |`
    })
  const withTools = replacePart(text, 'tools', [
    '| tool | `--layout` | what is read, and its order | what is not |',
    '| --- | --- | --- | --- |',
    ...toolRows,
  ])
  return replacePart(
    replacePart(withTools, 'commands', ['| command | does |', '| --- | --- |', ...commandRows]),
    'options',
    ['| flag | variable | default | meaning |', '| --- | --- | --- | --- |', ...optionRows],
  )
}

function flags(options: readonly Option[]): string {
  return options
    .map(o => {
      const value = o.kind === 'switch' ? '' : ` ${o.placeholder ?? o.choices?.join('\\|') ?? 'N'}`
      return ` [--${o.flag}${value}]${o.kind === 'list' ? '...' : ''}`
    })
    .join('')
}

function replacePart(text: string, name: string, lines: readonly string[]): string {
  const part = new RegExp(`(<!-- ${name}: [^>]*-->\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!part.test(text)) throw new Error(`README.md has no part named ${name}`)
  return text.replace(part, (_, open: string, close: string) => `${open}${lines.join('\n')}\n${close}`)
}

if (import.meta.main) writeFileSync(readme, withGeneratedParts(readFileSync(readme, 'utf8')))
