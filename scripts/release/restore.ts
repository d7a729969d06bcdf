// `npm run restore`: puts a dump that `deploy` took in the place of the production database.

import { parseOptions, UsageError } from '../lib/command/options.ts'
import { report } from '../lib/command/report.ts'
import { untilSignal } from '../lib/command/until-signal.ts'
import { exclusively } from './lock.ts'
import { lastMessage } from './migrator-log.ts'
import { openProduction, productionOptions } from './options.ts'
import { migrations, takeBackup } from './pending.ts'
import type { Production } from './production.ts'
import { openProgress } from './progress.ts'
import { sizeOf } from './settings.ts'

const help = `
Usage: npm run restore -- --from NAME --yes [options]

Restores a dump into a database of its own, then puts it in the other one's place; that one stays beside it under
another name. The apps close their gates at once, and open them when the schema is theirs: for an older dump that is
after the next \`npm run deploy\`, of the release that is to run.

  --list            show the dumps there are, and do nothing
  --from NAME       the dump, as --list names it
  --yes             really do it: what was written since the dump is gone from the app's sight
  --no-backup       no dump of the database as it is now
  --tag TAG         the release whose migrator gives the app its rights (default: IMAGE_TAG of the environment or .env)
  --file FILE       one more compose file, after docker/compose.prod.yml
  --project NAME    the name of the compose project (default: schemagate)
`

const options = {
  ...productionOptions,
  list: { type: 'boolean' },
  from: { type: 'string' },
  yes: { type: 'boolean' },
  'no-backup': { type: 'boolean' },
} as const

await report(async () => {
  const given = parseOptions(options)
  if (given.help) {
    console.log(help.trim())
    return 0
  }
  const signals = untilSignal()
  // The dumps are the same, whatever the release.
  const production = await openProduction(given.list ? { ...given, tag: given.tag ?? 'none' } : given, signals.aborted)
  try {
    if (given.list) return await list(production)
    if (given.from === undefined) throw new UsageError('Which dump? Name it with --from; --list shows what there is.')
    if (!given.yes)
      throw new UsageError(`This replaces the database of ${production.options.project}: say --yes if that is meant.`)
    const name = String(given.from).replace(/\.dump$/, '')
    return await exclusively(production, () => restore(production, name, given['no-backup'] !== true))
  } catch (error) {
    if (!signals.aborted.aborted) throw error
    console.error('Interrupted. Run the same command again: it starts over.')
    return signals.exitCode
  } finally {
    signals.close()
  }
})

async function list(production: Production): Promise<number> {
  const { project } = production.options
  // Compose would make the volume, and with it a production stack in the eyes of `npm run up` and `npm run down`.
  if ((await production.docker(['volume', 'inspect', `${project}_backups`])).exitCode !== 0) {
    console.error(`${project} has no dump.`)
    return 0
  }
  const { exitCode, stdout, stderr } = await production.backup('list')
  if (exitCode !== 0) throw new Error(stderr.trim())
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [name = '', bytes] = line.split(' ')
    console.log(`${name.replace(/\.dump$/, '')}  ${sizeOf(Number(bytes))}`)
  }
  return 0
}

async function restore(production: Production, name: string, backup: boolean): Promise<number> {
  const { step, say } = openProgress()
  await production.requireNoDevelopment()
  await step('wait for the database', async () => {
    await production.startDatabase()
    return undefined
  })
  if (backup) await step('back up what is there now', () => takeBackup(production, 'restore'))
  await step(`restore ${name}`, async () => {
    const { exitCode, stdout, stderr } = await production.backup('restore', name)
    if (exitCode !== 0) throw new Error(`Nothing was changed.\n${stderr.trim()}`)
    const [previous, ...notes] = stdout.trim().split('\n')
    for (const note of notes) say(`! ${note}`)
    return `the previous database is now ${previous}`
  })
  const { head, pending, state } = await readStatus(production).catch(isRestored)
  const { tag } = production.options
  if (head !== null)
    await step('give the app its rights', async () => {
      // A password is in no dump. Nothing is pending up to its own head, so that no migration runs; one that is ahead of
      // the release has nothing pending at all.
      const up = await production.migrator(state === 'ahead' ? ['up', '--allow-ahead'] : ['up', '--to', head])
      if (up.exitCode !== 0) isRestored(lastMessage(up.stdout) ?? `the migrator ended with ${up.exitCode}.`)
      return undefined
    })
  const wants =
    state === 'ahead'
      ? `. It is ahead of ${tag}, which can live with it.`
      : pending.length === 0
        ? `, as ${tag} wants it.`
        : `. ${tag} wants ${migrations(pending.length)} more, and does not serve before that: npm run deploy`
  say(`\nRestored: the database is at ${head ?? 'no migration'}${wants}`)
  return 0
}

/** @throws Error saying what is left to do when the dump is in its place, and the release cannot use it. */
function isRestored(why: unknown): never {
  throw new Error(
    `The dump is restored, but the app was given no rights and may be unable to serve: ${why instanceof Error ? why.message : why}\nDeploy the release that belongs to the dump: npm run deploy -- --tag TAG`,
  )
}

interface Status {
  readonly state: string
  readonly head: string | null
  readonly pending: readonly unknown[]
}

async function readStatus(production: Production): Promise<Status> {
  const { exitCode, stdout, stderr } = await production.migrator(['status', '--format', 'json'])
  if (exitCode !== 0) throw new Error(lastMessage(stderr) ?? stderr.trim())
  return JSON.parse(stdout)
}
