// Writes the generated parts of README and docs: commands, options and tools, from the code itself.

import { readFileSync, writeFileSync } from 'node:fs'
import { commands } from '../../migrator/cli/commands/index.ts'
import { placeholder, usageOf } from '../../migrator/cli/help.ts'
import { rules } from '../../migrator/doctor/rules/index.ts'
import type { Rule } from '../../migrator/doctor/rules/rule.ts'
import { layoutNamed, tools } from '../../migrator/files/tools/index.ts'
import { holdsSecret, type Option } from '../../migrator/settings/option.ts'
import { options } from '../../migrator/settings/options.ts'

/** One rule of doctor's: what breaks it, what comes of it, the way out, and a file that breaks it. */
function ruleLines({ id, title, why, fix, examples }: Rule): string[] {
  return [
    `### ${id}`,
    '',
    title,
    '',
    `- **Why**: ${why}`,
    `- **Fix**: ${fix}`,
    '',
    '```yaml',
    examples.violates.trimEnd(),
    '```',
    '',
  ]
}

/** The lines of each generated part, by its name. */
const parts: Readonly<Record<string, () => readonly string[]>> = {
  commands: () => [
    '| command | does |',
    '| --- | --- |',
    ...commands.map(c => `| \`${usageOf(c)}${flags(Object.values(c.options))}\` | ${c.summary} |`),
  ],
  options: () => [
    '| flag | variable | default | meaning |',
    '| --- | --- | --- | --- |',
    ...Object.values<Option>(options)
      .filter(o => o.flag !== undefined)
      .map(
        o =>
          `| \`--${o.flag}\` | ${o.variable ? `\`${o.variable}\`` : ''} | ${o.default ? `\`${o.default}\`` : ''} | ${o.help} |`,
      ),
  ],
  'command-options': () => [
    '| flag | variable | of | default | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...commandVariables().map(({ option, of }) => {
      const { variable = '' } = option
      const names = [variable, ...(holdsSecret(option) ? [`${variable}_FILE`] : [])].map(code).join(', ')
      const flag = option.flag === undefined ? '' : code(`--${option.flag}`)
      return `| ${flag} | ${names} | ${of.map(code).join(', ')} | ${option.default ? code(option.default) : ''} | ${option.help} |`
    }),
  ],
  rules: () =>
    (['error', 'warning', 'note'] as const).flatMap(severity => [
      `## ${{ error: 'Errors', warning: 'Warnings', note: 'Notes' }[severity]}`,
      '',
      ...rules.filter(rule => rule.severity === severity).flatMap(ruleLines),
    ]),
  tools: () => [
    '| tool | `--layout` | what is read, and its order | what is not |',
    '| --- | --- | --- | --- |',
    ...tools
      .filter(tool => tool.reads !== undefined || tool.not !== undefined)
      .map(({ name, title, reads = 'nothing', not = '' }) => {
        const layout = layoutNamed(name) ? `\`${name}\`` : ''
        return `| ${title} | ${layout} | ${reads} | ${not} |`
      }),
  ],
}

/** The options of single commands that a variable sets, too: each once, with its commands. */
function commandVariables(): { readonly option: Option; readonly of: string[] }[] {
  const shared = new Set(Object.values<Option>(options).map(o => o.variable))
  const found = new Map<string, { option: Option; of: string[] }>()
  for (const { name, options: own } of commands)
    for (const option of Object.values<Option>(own)) {
      if (option.variable === undefined || shared.has(option.variable)) continue
      const key = `${option.variable} ${option.flag}`
      found.set(key, { option, of: [...(found.get(key)?.of ?? []), name] })
    }
  return [...found.values()]
}

const code = (text: string) => `\`${text}\``

/** Which page has which generated parts. */
export const pages: Readonly<Record<string, readonly string[]>> = {
  'README.md': ['commands'],
  'docs/settings.md': ['options', 'command-options'],
  'docs/migration-files.md': ['tools'],
  'docs/doctor.md': ['rules'],
}

/** A page's text with its generated parts as they should be. */
export function withGeneratedParts(page: string, text: string): string {
  return pages[page]!.reduce((current, name) => {
    const part = new RegExp(`(<!-- ${name}: [^>]*-->\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!part.test(current)) throw new Error(`${page} has no part named ${name}`)
    const lines = parts[name]!().join('\n')
    return current.replace(part, (_, open: string, close: string) => `${open}${lines}\n${close}`)
  }, text)
}

function flags(options: readonly Option[]): string {
  return options
    .filter(o => o.flag !== undefined)
    .map(o => {
      const value = o.choices ? ` ${o.choices.join('\\|')}` : placeholder(o)
      return ` [--${o.flag}${value}]${o.kind === 'list' ? '...' : ''}`
    })
    .join('')
}

if (import.meta.main) {
  for (const page of Object.keys(pages)) {
    const file = new URL(`../../${page}`, import.meta.url)
    writeFileSync(file, withGeneratedParts(page, readFileSync(file, 'utf8')))
  }
}
