// The options that `up`, `down` and `smoke` share, and the defaults behind them.

import { join, resolve } from 'node:path'
import { shellWord } from '../../migrator/text/shell-word.ts'
import { parseOptions, type Specific, UsageError } from '../lib/command/options.ts'
import { projectName } from '../lib/command/project-name.ts'
import { root } from '../lib/root.ts'
import { setting } from '../lib/setting.ts'
import type { Way } from './ways.ts'

export interface StackOptions {
  /** Undefined: find out. */
  readonly way: Way | undefined
  readonly port: number | undefined
  readonly state: string
  readonly project: string
  /** The script's own switches and texts, as given. */
  readonly given: Readonly<Record<string, string | boolean | undefined>>
}

/** Parses the command line; undefined if help was asked for, and printed. */
export function stackOptions(help: string, specific: Specific, defaults: { state: string; project: string }) {
  const shared: Specific = {
    docker: { type: 'boolean' },
    embedded: { type: 'boolean' },
    state: { type: 'string' },
    project: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  }
  const given = parseOptions({ ...shared, ...specific })
  if (given.help) {
    console.log(help.trim())
    return undefined
  }
  if (given.docker && given.embedded) throw new UsageError('--docker and --embedded exclude each other.')
  const options: StackOptions = {
    way: given.docker ? 'docker' : given.embedded ? 'embedded' : undefined,
    port: given.port === undefined ? undefined : portOf('--port', String(given.port)),
    state: given.state === undefined ? join(root, defaults.state) : resolve(String(given.state)),
    project: projectName(String(given.project ?? defaults.project)),
    given,
  }
  return options
}

/** Options as a person types them. */
export function commandLine(given: StackOptions['given']): string {
  return Object.entries(given)
    .map(([name, value]) => (typeof value === 'string' ? `--${name} ${shellWord(value)}` : `--${name}`))
    .join(' ')
}

/** For those that start an app. */
export const portOption = { port: { type: 'string' } } as const

/** The app's port when none was given: APP_PORT of the environment or of `.env`, as compose takes it, else 8000. */
export async function defaultPort(): Promise<number> {
  return portOf('APP_PORT', (await setting('APP_PORT')) || '8000')
}

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65536) return port
  throw new UsageError(`${name} is "${text}", but must be a port from 1 to 65535.`)
}
