// The app's settings: read once from the environment, checked together, every problem in one message.

import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Connection, ConnectionError, readConnection } from 'schemagate-gate'
import { openSource, type Source } from './settings-source.ts'

export interface Settings {
  /** The database. Its password is not enumerable, so that no log shows it. */
  readonly connection: Connection
  readonly host: string
  readonly port: number
  readonly jwtSecret: Uint8Array
  /** True if the secret was generated for this process: its tokens end with it. */
  readonly jwtSecretIsTemporary: boolean
  readonly logLevel: string
  readonly logFormat: 'json' | 'pretty'
  /** The path of the manifest that this app was built with. */
  readonly manifest: string
  /** The schema of the migrator's ledger. */
  readonly ledgerSchema: string
  /** Requests a minute that one address may send to register and login each; 0 is no limit. */
  readonly authRateLimit: number
  /** The proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** Milliseconds for which the app goes on serving after it was told to stop, while `/health` says that it stops. */
  readonly shutdownDelay: number
}

/** The settings are wrong: the message lists every problem, and the process ends with exit code 2. */
export class SettingsError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(['The app cannot start:', ...problems.map(problem => `  - ${problem}`)].join('\n'))
    this.problems = problems
  }
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const logFormats = ['json', 'pretty'] as const
const minimumSecretBytes = 32

/** @throws SettingsError naming all that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv, isTerminal = process.stdout.isTTY === true): Settings {
  const problems: string[] = []
  const source = openSource(env, problems)
  const connection = readDatabase(env, problems)
  const jwtSecret = readJwtSecret(source)
  const settings: Omit<Settings, 'connection'> = {
    host: source.value('HOST') ?? '0.0.0.0',
    port: wholeNumber(source, 'PORT', 8000, 65535),
    jwtSecret: jwtSecret ?? randomBytes(minimumSecretBytes),
    jwtSecretIsTemporary: jwtSecret === undefined,
    logLevel: oneOf(source, 'LOG_LEVEL', logLevels) ?? 'info',
    logFormat: oneOf(source, 'LOG_FORMAT', logFormats) ?? (isTerminal ? 'pretty' : 'json'),
    manifest: source.value('SCHEMAGATE_MANIFEST') ?? fileURLToPath(new URL('../dist/manifest.json', import.meta.url)),
    ledgerSchema: source.value('SCHEMAGATE_SCHEMA') ?? 'schemagate',
    authRateLimit: wholeNumber(source, 'AUTH_RATE_LIMIT', 300, 1_000_000),
    trustedProxies: readTrustedProxies(source),
    shutdownDelay: wholeNumber(source, 'SHUTDOWN_DELAY_MS', 0, 60_000),
  }
  if (connection === undefined || problems.length > 0) throw new SettingsError(problems)
  return { ...settings, connection }
}

function readDatabase(env: NodeJS.ProcessEnv, problems: string[]): Connection | undefined {
  try {
    return readConnection({ env })
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

function readJwtSecret(source: Source): Uint8Array | undefined {
  const text = source.secret('JWT_SECRET')
  if (text === undefined) {
    const wasGiven = source.value('JWT_SECRET') ?? source.value('JWT_SECRET_FILE')
    if (source.value('NODE_ENV') === 'production' && wasGiven === undefined)
      source.problem(
        'JWT_SECRET or JWT_SECRET_FILE must be set in production: there is no default. Make one with: openssl rand -base64 48',
      )
    return undefined
  }
  const secret = new TextEncoder().encode(text)
  if (secret.length < minimumSecretBytes)
    source.problem(
      `JWT_SECRET has ${secret.length} bytes, but needs at least ${minimumSecretBytes}. Make one with: openssl rand -base64 48`,
    )
  return secret
}

function wholeNumber(source: Source, name: string, byDefault: number, maximum: number): number {
  const text = source.value(name)
  if (text === undefined) return byDefault
  const number = Number(text)
  if (/^\d+$/.test(text) && number <= maximum) return number
  source.problem(`${name} is "${text}", but must be a whole number from 0 to ${maximum}.`)
  return byDefault
}

function oneOf<T extends string>(source: Source, name: string, allowed: readonly T[]): T | undefined {
  const text = source.value(name)
  const found = allowed.find(value => value === text)
  if (text !== undefined && found === undefined)
    source.problem(`${name} is "${text}", but must be one of ${allowed.join(', ')}.`)
  return found
}

function readTrustedProxies(source: Source): string[] {
  const proxies = (source.value('TRUSTED_PROXIES') ?? '').split(',').flatMap(part => part.trim() || [])
  for (const proxy of proxies) {
    const [address = '', bits, ...rest] = proxy.split('/')
    const version = isIP(address)
    const bitsAreRight = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32))
    if (version === 0 || !bitsAreRight || rest.length > 0)
      source.problem(`TRUSTED_PROXIES has "${proxy}", but must list addresses such as 10.0.0.7 or 10.0.0.0/8.`)
  }
  return proxies
}
