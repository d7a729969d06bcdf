// Help, generated from the commands and the options.

import type { Option } from '../settings/option.ts'
import type { CommonOption } from '../settings/options.ts'
import { withPages } from '../text/pages.ts'
import { wrap } from '../text/wrap.ts'
import type { Command } from './command.ts'
import { commonOptionsOf } from './command-line.ts'

/** The general help, in lines of so many columns. */
export function generalHelp(commands: readonly Command[], columns = Number.POSITIVE_INFINITY): string {
  return [
    ...wrap('schemagate: an app never serves from a database whose schema it does not match.', columns, ''),
    '',
    'Usage: schemagate COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...list(
      commands.map(c => [usageOf(c), c.summary]),
      columns,
    ),
    '',
    ...wrap(
      'Every command takes --help. Options can be given as flags or as environment variables; a flag wins.',
      columns,
      '',
    ),
    'schemagate --version prints the version.',
  ].join('\n')
}

/** The help of one command, in lines of so many columns. */
export function commandHelp(command: Command, columns = Number.POSITIVE_INFINITY): string {
  const own = Object.values(command.options)
  const common = Object.values(commonOptionsOf(command)).filter(({ flag }) => flag !== undefined)
  const [used, unused] = [true, false].map(isUsed =>
    common.filter(({ usedBy }) => (usedBy?.includes(command.name) ?? true) === isUsed),
  ) as [CommonOption[], CommonOption[]]
  const { name, summary, description, positionals } = command
  return [
    ...wrap(`schemagate ${name}: ${summary}`, columns, ''),
    ...(description
      ? [
          '',
          ...withPages(description)
            .split('\n')
            .flatMap(line => wrap(line, columns, '')),
        ]
      : []),
    '',
    ...wrap(
      `Usage: schemagate ${usageOf(command)} [OPTIONS]${positionals.rest ? ' [-- COMMAND ARGS]' : ''}`,
      columns,
      '',
    ),
    ...(own.length > 0 ? ['', 'Options:', ...describe(own, columns)] : []),
    '',
    'Common options:',
    ...describe(used, columns),
    ...(unused.length > 0
      ? [
          '',
          ...wrap(
            `Taken as well, and of no use to \`${command.name}\`, so that one set of flags serves all commands: ${unused.map(({ flag }) => `--${flag}`).join(', ')}.`,
            columns,
            '',
          ),
        ]
      : []),
  ].join('\n')
}

/** A command with its arguments, as it is typed. */
export function usageOf(command: Command): string {
  const { names, required, many } = command.positionals
  const last = many ? '...' : ''
  const shown = names.map((name, i) => (i < required ? name : `[${name}${i === names.length - 1 ? last : ''}]`))
  return [command.name, ...shown].join(' ')
}

function describe(all: readonly Option[], columns: number): string[] {
  const options = all.filter(option => option.flag !== undefined)
  const entries = options.map((option): [string, string] => {
    const notes = [
      option.choices && `one of ${option.choices.join(', ')}`,
      option.default !== undefined && `default ${option.default}`,
      option.kind === 'list' && 'repeatable',
      option.variable && `variable ${option.variable}${option.kind === 'list' ? ', separated by commas' : ''}`,
    ].filter(Boolean)
    return [
      `--${option.flag}${placeholder(option)}`,
      `${option.help}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`,
    ]
  })
  return list(entries, columns)
}

/** What is typed, and what it means beside it; or below it, where that leaves too little room. */
function list(entries: readonly (readonly [typed: string, meaning: string])[], columns: number): string[] {
  const width = Math.max(...entries.map(([typed]) => typed.length)) + 4
  const isBeside = columns - width >= 40
  return entries.flatMap(([typed, meaning]) => {
    const indent = ' '.repeat(isBeside ? width : 6)
    const [first = '', ...rest] = wrap(meaning, columns, indent)
    return isBeside ? [`  ${typed}`.padEnd(width) + first.trimStart(), ...rest] : [`  ${typed}`, first, ...rest]
  })
}

/** What stands for an option's value, behind a space; nothing for a switch. */
export function placeholder(option: Option): string {
  if (option.kind === 'switch') return ''
  return ` ${option.placeholder ?? { duration: 'TIME', count: 'N', choice: 'WORD', text: 'TEXT', name: 'NAME', list: 'TEXT', layout: 'TOOL', tool: 'TOOL', secret: 'TEXT', url: 'URL' }[option.kind]}`
}
