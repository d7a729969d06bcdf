// `npm run deploy`: a release into production, with the old one serving until the new one does.

import { setTimeout as pause } from 'node:timers/promises'
import { parseOptions, UsageError } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { untilSignal } from '../lib/command/until-signal.ts'
import { harmlessChecks, haveCurl } from '../stack/smoke-checks.ts'
import { examineImages, obtainImages, type Release } from './images.ts'
import { exclusively } from './lock.ts'
import { openProduction, productionOptions } from './options.ts'
import {
  MigratorError,
  migrations,
  needingBackup,
  type Pending,
  pruneBackups,
  readPending,
  takeBackup,
} from './pending.ts'
import type { Production } from './production.ts'
import { openProgress, type Progress } from './progress.ts'
import { recordRelease } from './record.ts'
import { RolloutError, rollOut } from './rollout.ts'
import { checkSettings } from './settings.ts'

const help = `
Usage: npm run deploy -- [options]

Checks the setting, gets both images, shows what is pending, backs up the database if need be, runs the migrator while
the previous release still serves, replaces the replicas one at a time, and asks the result with curl. When the migrator
fails nothing has changed; when the new app does not become healthy the old one is put back. Safe to run again at any
point.

  --tag TAG         the release: the tag of both images (default: IMAGE_TAG of the environment or .env)
  --build           build the images from this checkout, instead of pulling them
  --dry-run         check, get the images, show what would be done, and change nothing
  --no-backup       no dump before a migration that is breaking or cannot be taken back
  --allow-ahead     deploy a release that is older than the database, if no newer migration is breaking
  --recreate        replace the replicas also when nothing has changed, for new secrets
  --timeout 120    seconds that a replica may take to become healthy
  --file FILE       one more compose file, after docker/compose.prod.yml
  --project NAME    the name of the compose project (default: schemagate)

Exit codes: 0 deployed; 2 the setting is wrong; the migrator's own if it failed; 1 anything else. docker/compose.prod.yml
says which variables and secrets there are.
`

const options = {
  ...productionOptions,
  build: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'no-backup': { type: 'boolean' },
  'allow-ahead': { type: 'boolean' },
  recreate: { type: 'boolean' },
  timeout: { type: 'string' },
} as const

await report(async () => {
  const given = parseOptions(options)
  if (given.help) {
    console.log(help.trim())
    return 0
  }
  if (!(await haveCurl())) throw new UsageError('curl is not installed, and the result is asked with it.')
  const signals = untilSignal()
  const production = await openProduction(given, signals.aborted)
  try {
    return await deploy(production, given)
  } catch (error) {
    if (signals.aborted.aborted) {
      console.error('Interrupted. What was done stays; deploy again to go on.')
      return signals.exitCode
    }
    if (error instanceof MigratorError || error instanceof RolloutError) {
      console.error(`\nNot deployed. ${error.message}`)
      return error instanceof MigratorError ? error.exitCode : 1
    }
    throw error
  } finally {
    signals.close()
  }
})

async function deploy(production: Production, given: Record<string, unknown>): Promise<number> {
  const progress = openProgress()
  const { step, say } = progress
  const timeout = secondsOf(given.timeout)
  await step('check the setting', async () => {
    for (const warning of await checkSettings(production)) say(`! ${warning}`)
    await production.requireNoDevelopment()
    return undefined
  })
  return exclusively(production, () => deployChecked(production, given, timeout, progress))
}

async function deployChecked(
  production: Production,
  given: Record<string, unknown>,
  timeout: number,
  progress: Progress,
): Promise<number> {
  const { step, say } = progress
  let release: Release | undefined
  await step(given.build ? 'build the images' : 'get the images', async () => {
    await obtainImages(production, given.build === true)
    release = await examineImages(production)
    return `${production.options.tag}, version ${release.version}, head ${release.head ?? 'none'}`
  })
  if (!release) throw new Error('unreachable: the step throws')
  const hasDatabase = (await production.container('postgres'))?.isRunning === true
  if (given['dry-run'] && !hasDatabase) {
    say('\nDry run: the stack is not up. All migrations would be applied, and everything started.')
    return 0
  }
  if (!given['dry-run']) await startDatabase(production, progress, hasDatabase)
  const pending = await showPending(production, progress, given['allow-ahead'] === true)
  const needing = given['no-backup'] ? [] : needingBackup(pending)
  if (given['dry-run']) {
    if (needing[0]) say(`A backup would be taken, because of ${needing.map(({ name }) => name).join(', ')}.`)
    say('\nDry run: nothing was changed.')
    return 0
  }
  const [first] = needing
  if (first)
    await step('back up', async () => {
      const taken = await takeBackup(production, first.name)
      await pruneBackups(production)
      return taken
    })
  await migrate(production, progress, given['allow-ahead'] === true)
  await rollOut(production, release, { timeout, recreate: given.recreate === true }, progress)
  await recordRelease(production.options)
  await startProxy(production, progress)
  const url = await production.url()
  await step('ask it with curl', () => smoke(url, release?.head ?? null))
  say(`\nDeployed ${production.options.tag}: ${url}`)
  return 0
}

/** One that runs is left alone: to take up new settings it would have to stop serving. */
async function startDatabase(production: Production, { step, say }: Progress, isRunning: boolean): Promise<void> {
  if (isRunning && (await hasOtherSettings(production, 'postgres')))
    say(`! The settings of postgres have changed; taking them up interrupts it: ${production.command} up -d postgres`)
  await step('wait for the database', async () => {
    await production.startDatabase()
    return undefined
  })
}

async function showPending(production: Production, { step, say }: Progress, allowAhead: boolean): Promise<Pending> {
  let pending: Pending = { head: null, migrations: [] }
  await step('see what is pending', async () => {
    try {
      pending = await readPending(production)
    } catch (error) {
      // A database that is ahead has nothing pending; whether it may be is for `up` to say.
      if (!allowAhead || !(error instanceof MigratorError) || error.exitCode !== 6) throw error
    }
    return pending.migrations.length === 0 ? 'nothing' : migrations(pending.migrations.length)
  })
  for (const { name, breaking, reversible } of pending.migrations)
    say(`    ${name}${breaking ? '  breaking' : ''}${reversible ? '' : '  cannot be taken back'}`)
  return pending
}

async function migrate(production: Production, { step, say }: Progress, allowAhead: boolean): Promise<void> {
  await step('migrate', async () => {
    const up = await production.migrator(['up', ...(allowAhead ? ['--allow-ahead'] : [])])
    const lines = up.stdout.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
    const run = lines.findLast(({ event }) => event === 'run')
    if (up.exitCode === 0) return `${run?.applied ?? 0} applied`
    for (const { level, msg } of lines) if (level === 'error' || level === 'warn') say(`    ${msg}`)
    throw new MigratorError(
      `The migrator ended with exit code ${up.exitCode}; the previous release is still serving. Fix the error above and deploy again.`,
      up.exitCode ?? 1,
    )
  })
}

async function startProxy(production: Production, { step, say }: Progress): Promise<void> {
  const proxy = await production.container('proxy')
  if (proxy?.isRunning && (await hasOtherSettings(production, 'proxy')))
    say(
      `! The settings of the proxy have changed; taking them up interrupts it: ${production.command} up -d --no-deps proxy`,
    )
  await step('see to the proxy', async () => {
    const up = await production.compose(['up', '--detach', '--no-deps', '--no-recreate', '--wait', 'proxy'])
    if (up.exitCode !== 0) throw new Error(`The proxy did not start.\n${up.stderr.trim()}`)
    await untilItAnswers(await production.url())
    return undefined
  })
}

/** A container that runs may not listen yet: Docker accepts connections for it, and resets them. */
async function untilItAnswers(url: string | undefined): Promise<void> {
  const deadline = performance.now() + 30_000
  while (url !== undefined && performance.now() < deadline) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    if (answer) return
    await pause(100)
  }
}

/** Whether settings of a running service have changed, so that Compose would replace its container. */
async function hasOtherSettings(production: Production, service: string): Promise<boolean> {
  const { stdout, stderr } = await production.compose(['--dry-run', 'up', '--detach', '--no-deps', service])
  return /\bRecreate/.test(stdout + stderr)
}

/** @throws Error naming the answers that were not as expected. */
async function smoke(url: string | undefined, head: string | null): Promise<string> {
  if (url === undefined) throw new Error('The proxy has no published port: nothing can be asked.')
  const wrong: string[] = []
  let count = 0
  for await (const { name, request, status, ok, why } of harmlessChecks(url)) {
    count++
    if (!ok) wrong.push(`${name}: ${request} was answered ${status}, ${why}`)
  }
  if (wrong.length > 0) throw new Error(`The release is up, but does not answer as it should:\n${wrong.join('\n')}`)
  return `${count} answers as they should be${head ? `, head ${head}` : ''}`
}

function secondsOf(given: unknown): number {
  const seconds = Number(given ?? 120)
  if (Number.isInteger(seconds) && seconds > 0) return seconds
  throw new UsageError(`--timeout is "${given}", but must be a whole number of seconds.`)
}
