// The verb: finds out how a project migrates, shows what it would write, writes it, and runs doctor on the result.

import { join, relative, resolve } from 'node:path'
import { toMount } from '../doctor/compose/service.ts'
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from '../doctor/diagnose.ts'
import { type Database, databasesOf } from '../doctor/model/gating.ts'
import { ownDatabase } from '../doctor/model/known-images.ts'
import type { Member } from '../doctor/model/member.ts'
import { isMigrations, type Recognised, recognise, sqlFilesIn } from '../doctor/model/recognise.ts'
import { isOwn } from '../doctor/overlay/fix.ts'
import { shownOverlay } from '../doctor/overlay/shown.ts'
import { besideFirst, overlayName } from '../doctor/overlay/write.ts'
import { renderText } from '../doctor/render/text.ts'
import { initdbMigration } from '../doctor/rules/initdb-migration.ts'
import { type ExitCode, exitCodes, UsageError } from '../errors.ts'
import { writeFiles } from '../files/write-files.ts'
import { escapeControls } from '../text/escape-controls.ts'
import { withPages } from '../text/pages.ts'
import { type Asking, agree, choose } from './ask.ts'
import { nextSteps } from './next-steps.ts'
import { ownMigration } from './own-migration.ts'
import { type Choice, type Plan, plan } from './plan.ts'

export interface InitOptions {
  readonly dryRun: boolean
  readonly asking: Asking
  /** What would be asked otherwise. */
  readonly database: string | undefined
  readonly app: string | undefined
  readonly migrations: string | undefined
  readonly command: string | undefined
  readonly diagnose: DiagnoseOptions
  readonly color: boolean
  readonly width: number
  readonly print: (text: string) => void
}

/** @throws UsageError where there is no compose file, no Postgres, or no migration to be found */
export async function init(options: InitOptions): Promise<ExitCode> {
  const { print } = options
  const before = await withOverlay(await diagnose([], options.diagnose), options)
  // what could not be read may be what is missed below
  for (const note of before.notes) print(`Note: ${escapeControls(note)}`)
  const choice = await chooseAll(before, options)
  print(escapeControls(found(choice)))
  const planned = await plan(before, choice, options.diagnose)
  show(planned, print)
  if (planned.files.length === 0) print('There is nothing to write.')
  else if (options.dryRun) print('Nothing was written (--dry-run).')
  else if (await agree('Write this?', options.asking)) write(planned, print)
  else return exitCodes.done
  if (options.dryRun) return exitCodes.done
  print(withPages(nextSteps(before.stack, choice)))
  const after = await diagnose([...planned.composeFiles], options.diagnose)
  print(`\ndoctor on the result:\n\n${renderText(after, { color: options.color, width: options.width, all: false })}`)
  return after.findings.some(({ severity }) => severity === 'error') ? exitCodes.notReady : exitCodes.done
}

/** With what `doctor --fix` has written beside the files, which is nothing to be written over. */
async function withOverlay(diagnosis: Diagnosis, { diagnose: options, print }: InitOptions): Promise<Diagnosis> {
  const { directory, files } = diagnosis.stack.compose
  const path = join(directory, overlayName)
  if (!isOwn(path) || files.some(file => resolve(options.cwd, file) === path)) return diagnosis
  const overlay = besideFirst(files, overlayName)
  print(`${overlay}, which doctor has written, is one of the files from now on.`)
  return diagnose([...files, overlay], options)
}

async function chooseAll({ stack, findings }: Diagnosis, options: InitOptions): Promise<Choice> {
  const { compose } = stack
  const all = databasesOf(stack).filter(({ server }) => options.database === undefined || server === options.database)
  const used = all.filter(({ apps, migrators, byHand }) => apps.length + migrators.length + byHand.length > 0)
  // a product beside the project's own apps migrates what is its own
  const ofProject = used.filter(({ apps }) => apps.some(({ service }) => ownDatabase(service) === undefined))
  const candidates = ofProject.length > 0 ? ofProject : used.length > 0 ? used : all
  if (candidates.length === 0)
    throw new UsageError(
      `There is no ${options.database ?? 'Postgres'} in ${compose.files.join(', ')} that a service uses.`,
    )
  const database = await choose<Database>(
    'Which database?',
    candidates.map(one => [labelOf(one, candidates), one]),
    options.asking,
    '--server',
  )
  const isSeen = database.migrators.length + database.selfMigrating.length + database.byHand.length > 0
  const isTold = options.migrations !== undefined || options.command !== undefined
  if (isSeen && !isTold) return { database, ...ownMigration(stack, database) }
  const brought = broughtToInitdb(database, findings, compose.directory)
  const isOther = options.migrations !== undefined && options.migrations !== brought?.way.folder
  if (brought && options.command === undefined && !isOther) return { database, app: undefined, ...brought }
  if (database.apps.length === 0)
    throw new UsageError(
      `No application of the file uses ${database.server}, as far as can be seen. Name the database in its environment (DATABASE_URL), or label its service schemagate.role: app.`,
    )
  const way = await wayOf(database, compose.directory, options)
  if (way.command === undefined) return { database, way, app: undefined }
  const inFolder = database.apps.filter(({ context }) => context.folders.includes(join(compose.directory, way.folder)))
  const named = database.apps.filter(({ service }) => service.name === options.app)
  if (options.app !== undefined && named.length === 0) {
    const names = database.apps.map(({ service }) => service.name).join(', ')
    throw new UsageError(`No service ${options.app} uses ${database.server}; --app names one of ${names}.`)
  }
  const apps = options.app !== undefined ? named : inFolder.length > 0 ? inFolder : database.apps
  const app = await choose(
    `Which service's image has ${way.tool}?`,
    apps.map(one => [one.service.name, one]),
    options.asking,
    '--app',
  )
  if (options.command === undefined && isOutOfImage(app, way, compose.directory))
    options.print(
      `Note: ${way.tool} is in ${way.folder}, which the image of ${app.service.name} is not built from. See that the image has it, or name another command: --command.`,
    )
  return { database, way, app }
}

/** Neither the image's build context nor a mount has the folder of the tool. */
function isOutOfImage({ service, context: { context } }: Member, { folder }: Recognised, directory: string): boolean {
  if (context === undefined) return false
  const sources = service.mounts.flatMap(({ type, source }) => (type === 'bind' ? [resolve(directory, source)] : []))
  const path = join(directory, folder)
  return ![context, ...sources].some(one => path === one || path.startsWith(join(one, '/')))
}

/** The SQL that the database's first start runs, where doctor can have the migrator run it instead. */
function broughtToInitdb(
  { server }: Database,
  findings: readonly Finding[],
  directory: string,
): (Pick<Choice, 'way' | 'brought'> & { way: Recognised }) | undefined {
  const finding = findings.find(({ rule, service }) => rule === initdbMigration && service === server)
  // the database itself is in the change, too, with what is left of its own volumes
  const [brought] = Object.entries(finding?.patch?.services ?? {}).flatMap(([migrator, { volumes }]) =>
    Array.isArray(volumes) ? [{ migrator, mounts: volumes.map(toMount) }] : [],
  )
  if (!brought) return undefined
  const names = brought.mounts.map(({ source }) => relative(directory, resolve(directory, source)))
  return { way: sqlFilesIn(resolve(directory, names[0]!), names.join(', ')), brought }
}

/** Of several databases of a server, with the services that use each. */
function labelOf({ server, apps, migrators }: Database, all: readonly Database[]): string {
  if (all.filter(one => one.server === server).length === 1) return server
  return `${server} of ${[...apps, ...migrators].map(({ service }) => service.name).join(' and ')}`
}

async function wayOf(database: Database, directory: string, options: InitOptions): Promise<Recognised> {
  const { migrations, command } = options
  if (command !== undefined) return { tool: 'your command', folder: '.', command }
  if (migrations !== undefined) {
    const folder = [options.diagnose.cwd, directory].map(from => resolve(from, migrations)).find(isMigrations)
    if (folder === undefined)
      throw new UsageError(`${migrations} is no folder of migrations that the migrator can read.`)
    return sqlFilesIn(folder, relative(directory, folder))
  }
  const ways = recognise(
    directory,
    database.apps.flatMap(({ context }) => context.folders),
  )
  if (ways.length === 0)
    throw new UsageError(
      'No migrations are found here. Name them: --migrations FOLDER, or --command "alembic upgrade head".',
    )
  return choose(
    'What migrates the database?',
    ways.map(way => [`${way.tool} in ${way.folder}`, way]),
    options.asking,
    '--migrations or --command',
  )
}

function found({ database, way, app }: Choice): string {
  const how = way
    ? `${way.tool} in ${way.folder}${app ? `, with the image of ${app.service.name}` : ''}`
    : [...database.migrators, ...database.selfMigrating, ...database.byHand]
        .map(({ service }) => service.name)
        .join(', ')
  const apps = database.apps.map(({ service }) => service.name).join(', ') || 'none'
  return `Database: ${database.server}\nMigrated by: ${how}\nApplications: ${apps}\n`
}

function show({ files, remarks }: Plan, print: (text: string) => void): void {
  for (const { name, text, isAppended } of files)
    print(`--- ${name}${isAppended ? ' (at its end)' : ' (new)'}\n${shownOverlay(text)}`)
  for (const remark of remarks) print(escapeControls(remark))
}

function write({ files }: Plan, print: (text: string) => void): void {
  // never over a file that came into being since it was shown
  writeFiles(files.map(({ path, text, isAppended }) => ({ path, text, as: isAppended ? 'appended' : 'new' })))
  const made = files.filter(({ isAppended }) => !isAppended).map(({ name }) => name)
  const lines = files.filter(({ isAppended }) => isAppended).map(({ name }) => `the last lines of ${name}`)
  print(`Written. To undo it, delete ${[...made, ...lines].join(', ')}.`)
}
