// Help, generated from the commands and the options.

import type { Option } from '../settings/option.ts'
import type { Command } from './command.ts'
import { commonOptionsOf } from './command-line.ts'

/** The general help. */
export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(c => usageOf(c).length))
  return [
    'schemagate: an app never serves from a database whose schema it does not match.',
    '',
    'Usage: schemagate COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...commands.map(c => `  ${usageOf(c).padEnd(width)}  ${c.summary}`),
    '',
    'Every command takes --help. Options can be given as flags or as environment variables; a flag wins.',
    'schemagate --version prints the version.',
  ].join('\n')
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const own = Object.values(command.options)
  return [
    `schemagate ${command.name}: ${command.summary}`,
    ...(command.description ? ['', command.description] : []),
    '',
    `Usage: schemagate ${usageOf(command)} [OPTIONS]${command.positionals.rest ? ' [-- COMMAND ARGS]' : ''}`,
    ...(own.length > 0 ? ['', 'Options:', ...describe(own)] : []),
    '',
    'Common options:',
    ...describe(Object.values(commonOptionsOf(command))),
  ].join('\n')
}

/** A command with its arguments, as it is typed. */
export function usageOf(command: Command): string {
  const { names, required, many } = command.positionals
  const last = many ? '...' : ''
  const shown = names.map((name, i) => (i < required ? name : `[${name}${i === names.length - 1 ? last : ''}]`))
  return [command.name, ...shown].join(' ')
}

function describe(all: readonly Option[]): string[] {
  const options = all.filter(option => option.flag !== undefined)
  const heads = options.map(option => `  --${option.flag}${placeholder(option)}`)
  const width = Math.max(...heads.map(head => head.length))
  return options.map((option, i) => {
    const notes = [
      option.choices && `one of ${option.choices.join(', ')}`,
      option.default !== undefined && `default ${option.default}`,
      option.kind === 'list' && 'repeatable',
      option.variable && `variable ${option.variable}${option.kind === 'list' ? ', separated by commas' : ''}`,
    ].filter(Boolean)
    return `${heads[i]!.padEnd(width)}  ${option.help}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`
  })
}

function placeholder(option: Option): string {
  if (option.kind === 'switch') return ''
  return ` ${option.placeholder ?? { duration: 'TIME', count: 'N', choice: 'WORD', text: 'TEXT', name: 'NAME', list: 'TEXT', layout: 'TOOL', tool: 'TOOL', secret: 'TEXT', url: 'URL' }[option.kind]}`
}
