// Reads a folder of migrations, as the tool does that it was written for, into a list in the order of their application.

import { basename, extname, join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import { build } from '../version.ts'
import { Contents } from './contents.ts'
import { withDependencies } from './dependencies.ts'
import type { Named } from './file-name.ts'
import { notGiven, orFollow, otherApi, ownerOfCode, unknownApi } from './foreign-code.ts'
import { isSqlFile, isTest, readFolderName, readName } from './layouts.ts'
import { type FolderListing, folderAbove, folderForFile, listFolder, noLayout, noMigrations } from './listing.ts'
import type { Migration } from './migration.ts'
import { type FileSetting, readUp, type UpFile, understand, wholeFile } from './migration-file.ts'
import { compareVersions } from './order.ts'
import { codeInFolder, type OtherCode, onlyItsTool } from './other-languages.ts'
import { inOrder, ofTool } from './tool-of-folder.ts'
import { holdsMigration, isFolderFile, requireFolderFile } from './tools/folders.ts'
import { layoutNamed, layoutProblem, recognise, refusedWhole } from './tools/index.ts'
import type { Tool } from './tools/tool.ts'
import {
  refuseGeneralForms,
  refuseOtherDatabase,
  refuseUndoFiles,
  unsupportedName,
  withDoubtOfEnvironment,
} from './unsupported.ts'

/** A file that is left out, and could be missed. */
export interface LeftOut {
  readonly file: string
  /** The reason, and what to do if that is wrong; begins with the file. */
  readonly message: string
}

export interface FolderOptions {
  /** The tool whose rules apply, as `--layout` names it; absent: recognised by the files. */
  readonly layout?: string | undefined
  /** Globs of paths in the folder that are left out. */
  readonly ignore?: readonly string[] | undefined
  /** Called for each file that is left out and could be missed. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined
}

/**
 * A folder that was read. What its files are by their names, and what they say, are two more steps: a run with nothing to do
 * leaves out the second, and both where the database knows the fingerprint.
 */
export interface MigrationsFolder {
  /**
   * A digest of the release's build, the options, the listing and every byte that was read: folders with the same one are
   * the same migrations, if one of them {@link isCovered}. Undefined where more is to be read.
   */
  readonly fingerprint: string | undefined
  /**
   * What the ledger knows the files by, in no order.
   * @throws UsageError as {@link readFolder}.
   */
  checksums(): Iterable<Pick<Migration, 'name' | 'checksum'>>
  /** True once the checksums are made, if they came of nothing but what is in the fingerprint, and nothing is to be warned of. */
  readonly isCovered: boolean
  /**
   * All migrations, oldest first.
   * @throws UsageError on what only another tool can run, on marks that say nothing.
   */
  migrations(): Migration[]
}

/**
 * All migrations of a folder, oldest first.
 * @throws UsageError if the folder is missing, unreadable or holds no migration; on a `.sql` file of no known layout,
 *   on what only another tool can run, on the same name twice, on text that Postgres cannot take.
 */
export function readFolder(dir: string, options: FolderOptions = {}): Migration[] {
  return drain(readEntries(dir, options)).migrations()
}

function drain<T>(generator: Generator<void, T>): T {
  for (;;) {
    const { done, value } = generator.next()
    if (done) return value
  }
}

/** The same folder as if these were all of its migrations. */
export function onlyThese(folder: MigrationsFolder, names: ReadonlySet<string>): MigrationsFolder {
  const isOne = ({ name }: { readonly name: string }) => names.has(name)
  return {
    fingerprint: undefined,
    isCovered: false,
    checksums: () => [...folder.checksums()].filter(isOne),
    migrations: () => folder.migrations().filter(isOne),
  }
}

/** By so many turns the connection has sent what it asks, and waits for nothing but the rest of the files. */
const opening = 32

/** Reads the files, yielding to the event loop now and then, for the connection that is opened at the same time. */
export async function readFolderInTurns(dir: string, options: FolderOptions = {}): Promise<MigrationsFolder> {
  await immediate()
  const reading = readEntries(dir, options)
  for (let turns = 1; ; turns++) {
    const { done, value } = reading.next()
    if (done) return value
    if (turns < opening || turns % 16 === 0) await immediate()
  }
}

/** Yields now and then. */
function* readEntries(dir: string, options: FolderOptions): Generator<void, MigrationsFolder> {
  const { layout, ignore = [] } = options
  const problem = layout === undefined ? undefined : layoutProblem(layout)
  if (problem) throw new UsageError(`--layout ${problem}`)
  const listing = listFolder(dir, ignore)
  const tool = layout === undefined ? recognise(listing) : layoutNamed(layout)
  const folder = new FolderReader(dir, listing, tool, options)
  const refused = tool?.refuses?.(listing) ?? (layout === undefined ? refusedWhole(listing) : undefined)
  if (refused) throw new UsageError(`${dir} ${refused}`)
  const above = tool === undefined ? folderAbove(dir, listing) : undefined
  if (above) throw above
  yield* folder.read()
  return folder
}

/** Entries between two looks at what else there is to do. */
const turn = 16

class FolderReader implements MigrationsFolder {
  readonly #ups = new Map<string, UpFile>()
  /** The down files of folders that hold one migration, by its name. */
  readonly #innerDowns = new Map<string, string>()
  readonly #migrations = new Map<string, Migration>()
  #inOrder: Migration[] | undefined
  readonly #downs = new Map<string, { named: Named; file: string }>()
  #areNamesRead = false
  readonly #contents: Contents
  #fingerprint: string | undefined
  isCovered = false
  /** A file was read that is not among the contents, or one was left out. */
  #readMore = false
  readonly #dir: string
  readonly #prefix: string
  readonly #listing: FolderListing
  readonly #tool: Tool | undefined
  /** The operator has named the tool: whatever it does not read is left out. */
  readonly #explicit: boolean
  readonly #options: FolderOptions
  /** What recognising the folder has consulted. */
  #recognisedBy: ReadonlyMap<string, string | undefined> = new Map()

  constructor(dir: string, listing: FolderListing, tool: Tool | undefined, options: FolderOptions) {
    this.#dir = dir
    // join() for each of a thousand names takes longer than reading them
    this.#prefix = join(dir, 'x').slice(0, -1)
    this.#listing = listing
    this.#tool = tool?.name === 'native' ? undefined : tool
    this.#explicit = options.layout !== undefined
    this.#options = options
    this.#contents = new Contents(this.#prefix)
  }

  /** Reads the bytes of what may be migrations; and what that is by its name, where no fingerprint tells. Yields now and then. */
  *read(): Generator<void, void> {
    this.#recognisedBy = new Map(this.#listing.consulted)
    yield* this.#contents.read(this.#listing.regular)
    if (!this.#hasFingerprint) yield* this.#readNames()
  }

  /** What a link leads to is in no listing, and what is deeper in the folder neither. */
  get #hasFingerprint(): boolean {
    return this.#contents.areWhole && this.#listing.links.size === 0 && !this.#listing.isDeep
  }

  get fingerprint(): string | undefined {
    if (!this.#hasFingerprint) return undefined
    this.#fingerprint ??= this.#contents.fingerprint(this.#circumstances())
    return this.#fingerprint
  }

  /** All that the names are read by, but for the files' bytes. */
  #circumstances(): readonly unknown[] {
    const { layout, ignore = [] } = this.#options
    const { files, folders, irregular } = this.#listing
    return [build, layout, ignore, [...this.#recognisedBy], files, [...folders], [...irregular]]
  }

  /** Yields now and then. @throws UsageError */
  *#readNames(): Generator<void, void> {
    // a mistake may have ended it halfway: who asks again is told of that one again
    for (const made of [this.#ups, this.#innerDowns, this.#downs]) made.clear()
    for (const [i, name] of this.#listing.entries.entries()) {
      if (i % turn === 0) yield
      this.#read(name)
    }
    this.#requireAll()
    this.#readDeep()
    this.#areNamesRead = true
    this.#fingerprint = this.fingerprint
    this.#contents.forget()
    const consulted = this.#listing.consulted.size > this.#recognisedBy.size
    this.isCovered = this.#hasFingerprint && !this.#readMore && !consulted
  }

  #onLeftOut(leftOut: LeftOut): void {
    this.#readMore = true
    this.#options.onLeftOut?.(leftOut)
  }

  #read(name: string): void {
    if (name.startsWith('.')) return
    const path = this.#prefix + name
    if (this.#listing.folders.has(name)) {
      this.#readMigrationFolder(name, path)
      return
    }
    const named = this.#nameOf(name)
    if (named && this.#listing.irregular.has(name))
      throw new UsageError(`${path} is not a regular file. Remove it from the migrations folder.`)
    if (!named) this.#readOther(name, path)
    else if (this.#tool?.takes?.(named, this.#listing) === false) this.#leaveOut(path, isSqlFile(name))
    else if (named.direction === 'up') this.#add(this.#readUp(named, name, name))
    else if (this.#downs.has(named.name))
      throw new UsageError(
        `Two down files for ${named.name}: ${this.#downs.get(named.name)!.file} and ${path}. Remove one.`,
      )
    else {
      refuseOtherDatabase(named.name, path)
      this.#downs.set(named.name, { named, file: path })
    }
  }

  #nameOf(fileName: string): Named | undefined {
    return this.#tool?.nameFile?.(fileName.normalize('NFC')) ?? readName(fileName)
  }

  checksums(): Iterable<UpFile> {
    if (!this.#areNamesRead) drain(this.#readNames())
    return this.#ups.values()
  }

  /** @param path of the file, in the folder; of which `entry` is the file itself, or the folder that it is in. */
  #readUp(named: Named, entry: string, path: string): UpFile {
    const read = this.#contents.textOf(path)
    if (read === undefined) this.#readMore = true
    return readUp(named, this.#prefix + path, this.#setting(entry), read)
  }

  /** @throws UsageError if there is none, or one is missing that the tool's own list has. */
  #requireAll(): void {
    const missing = this.#tool?.expects?.(this.#listing).find(name => !this.#ups.has(name))
    if (missing !== undefined)
      throw new UsageError(
        `${this.#prefix}${missing}.sql is missing: ${this.#tool?.title} lists it, and would not run without it. Restore it.`,
      )
    if (this.#ups.size === 0) throw noMigrations(this.#dir, this.#listing, this.#tool)
  }

  /** What is in folders inside of folders, where migrations may be that would be missed. */
  #readDeep(): void {
    for (const folder of this.#listing.folders.keys())
      for (const file of this.#listing.deepIn(folder)) if (isSqlFile(file)) this.#readStray(folder, file)
  }

  migrations(): Migration[] {
    this.#inOrder ??= this.#understand()
    return this.#inOrder
  }

  #understand(): Migration[] {
    for (const up of this.checksums()) {
      const down = this.#innerDowns.get(up.name)
      this.#migrations.set(up.name, { ...understand(up), ...(down !== undefined && { down: wholeFile(down) }) })
    }
    this.#matchDowns()
    refuseUndoFiles(this.#migrations)
    refuseGeneralForms(this.#migrations)
    const read = [...this.#migrations.values()]
    const tool = this.#tool ?? (this.#explicit ? undefined : ofTool(read, this.#listing))
    const migrations = read.map(migration => this.#withDoubtOfCode(migration, tool))
    const onGap = (migration: Migration, message: string) =>
      this.#onLeftOut({ file: migration.file, message: `${migration.file} ${message}` })
    const circumstances = { tool, explicit: this.#explicit, listing: this.#listing, onLeftOut: onGap }
    const sorted = inOrder(migrations, circumstances)
    return this.#explicit ? sorted : withDependencies(sorted, this.#listing).map(withDoubtOfEnvironment)
  }

  /** What another tool has applied is not run again: its code is refused where it would be. */
  #withDoubtOfCode(migration: Migration, tool: Tool | undefined): Migration {
    if (migration.kind !== 'code') return migration
    const { text } = this.#ups.get(migration.name)!
    const owner = ownerOfCode(text, tool)
    const missing = owner ? [] : notGiven(text)
    if (!owner && missing.length === 0) return migration
    const what = owner ? otherApi(owner) : unknownApi(missing)
    const name = migration.file.slice(this.#prefix.length)
    const doubt = `${migration.file} is not run. ${what} Or, if schemagate should not run it, leave it out: --ignore '${name}'${owner ? orFollow(owner) : ''}`
    return { ...migration, doubt }
  }

  #add(up: UpFile): void {
    const other = this.#ups.get(up.name)
    if (other)
      throw new UsageError(`Two migrations are named ${up.name}: ${other.file} and ${up.file}. Rename one of them.`)
    this.#ups.set(up.name, up)
  }

  #setting(entry: string): FileSetting {
    const tool = this.#tool
    return {
      tool,
      inTransaction: () => tool?.inTransaction?.(entry, this.#listing) ?? true,
      open: () => tool?.leavesOpen?.(entry, this.#listing),
    }
  }

  /** A file whose name is no migration's. */
  #readOther(name: string, path: string): void {
    const unsupported = unsupportedName(name)
    if (unsupported) throw new UsageError(`${path} ${unsupported}`)
    if (isSqlFile(name)) {
      if (this.#tool?.slips?.test(name) || !this.#leavesStrays()) throw new UsageError(noLayout(path, name))
      this.#leaveOut(path, true)
      return
    }
    // of Go and Ruby they cannot be a migration
    if (isTest(name) && /^\d.*[jt]s$/is.test(name))
      this.#onLeftOut({
        file: path,
        message: `${path} is left out: it is a test, by its name. If it is a migration, rename it.`,
      })
    const onlyThere = (file: string) => onlyItsTool(file, this.#tool, () => this.#listing.text(file) ?? '')
    const code = onlyThere(name)
    if (!code) return
    const ending = extname(name)
    const same = this.#listing.files.filter(file => extname(file) === ending)
    const alike = same.some(file => this.#nameOf(file)) ? [name] : same.filter(file => onlyThere(file))
    throw notRun(path, code, name, alike.length > 1 ? `, and all ${alike.length} like it with '*${ending}'` : '')
  }

  #leavesStrays(): boolean {
    return this.#tool !== undefined && (this.#explicit || this.#tool.leavesStrays === true)
  }

  #leaveOut(path: string, shouldWarn: boolean): void {
    if (!shouldWarn) return
    const { title = '' } = this.#tool ?? {}
    this.#onLeftOut({
      file: path,
      message: `${path} is left out, as ${title} does. To run it: --layout native. To leave it out without this warning: --ignore.`,
    })
  }

  /** Prisma's `NAME/migration.sql`, Diesel's `NAME/up.sql` and `NAME/down.sql`. */
  #readMigrationFolder(name: string, path: string): void {
    const files = this.#listing.folders.get(name) ?? []
    if (this.#nameOf(name) && !holdsMigration(files)) throw folderForFile(path)
    const sqlFiles = files.filter(file => !file.startsWith('.') && isSqlFile(file))
    const code = sqlFiles.length === 0 && codeInFolder(this.#listing, name, this.#tool)
    if (code) throw notRun(this.#prefix + code.file, code, `${name}/**`)
    const named = this.#tool?.nameFolder?.(name.normalize('NFC')) ?? readFolderName(name)
    const taken = named && this.#tool?.takes?.(named, this.#listing) !== false
    const ups = sqlFiles.filter(isFolderFile)
    for (const file of sqlFiles.filter(file => !['migration.sql', 'up.sql', 'down.sql'].includes(file)))
      this.#readStray(name, `${name}/${file}`)
    if (taken) requireFolderFile(this.#tool, path, name, files)
    if (sqlFiles.length === 0) {
      if (taken && this.#tool && readFolderName(name))
        this.#onLeftOut({
          file: path,
          message: `${path} is left out, as ${this.#tool.title} does: there is no SQL in it. Restore its file; or leave it out without this warning: --ignore '${name}'`,
        })
      return
    }
    if (!taken && this.#leavesStrays()) {
      for (const file of ups) this.#leaveOut(join(path, file), true)
      return
    }
    if (ups.length > 1) throw new UsageError(`${path} has both migration.sql and up.sql. Remove one of them.`)
    if (!ups[0]) {
      if (sqlFiles.includes('down.sql'))
        throw new UsageError(`${join(path, 'down.sql')} has no up.sql beside it. Restore it or remove this one.`)
      return
    }
    if (!named) throw new UsageError(noLayout(join(path, ups[0]), `${name}/${ups[0]}`))
    const up = this.#readUp(named, name, `${name}/${ups[0]}`)
    this.#add(up)
    if (sqlFiles.includes('down.sql')) this.#innerDowns.set(up.name, join(path, 'down.sql'))
  }

  /** A file of SQL in a folder, other than the folder's own; `file` is its path in the migrations folder. */
  #readStray(folder: string, file: string): void {
    const path = this.#prefix + file
    if (this.#leavesStrays() && !this.#tool?.recursive) {
      this.#leaveOut(path, true)
      return
    }
    throw new UsageError(
      this.#nameOf(basename(file))
        ? `${path} is in a folder inside the migrations folder, and migrations are read from the folder itself. Move it up, or out of the migrations folder, or name its folder with --dir, or leave it out with --ignore '${folder}/**'.`
        : noLayout(path, file),
    )
  }

  #matchDowns(): void {
    for (const { named, file } of this.#downs.values()) {
      const up = this.#migrations.get(named.name) ?? this.#ofSameVersion(named)
      if (!up) {
        this.#refuseUnclear(named, file)
        this.#onLeftOut({
          file,
          message: `${file} is left out: it undoes ${named.name}, whose up file is missing. Restore that, or remove this one.`,
        })
        continue
      }
      if (up.down) throw new UsageError(`${up.file} has a down part, and ${file} is another one. Remove one of them.`)
      this.#migrations.set(up.name, { ...up, down: wholeFile(file) })
    }
  }

  /** If another migration has the same number, the file may belong to that one: leaving it out would be a guess. */
  #refuseUnclear({ name, version }: Named, file: string): void {
    const other = [...this.#migrations.values()].find(m => compareVersions(m.version, version) === 0)
    if (other)
      throw new UsageError(
        `${file} has no up file beside it: the up half of ${name} is missing, and ${other.file} has the same number. Rename or remove it; or leave it out: --ignore '${basename(file)}'`,
      )
  }

  /** Flyway and golang-migrate match up and down files by number alone. */
  #ofSameVersion(down: Named): Migration | undefined {
    const same = [...this.#migrations.values()].filter(
      ({ layout, version, standsIn }) =>
        layout === down.layout && !standsIn && compareVersions(version, down.version) === 0,
    )
    if (down.layout === 'flyway') return same[0]
    // with several of one number, or one that has a down file of its name, it would be a guess
    return same.length === 1 && !this.#downs.has(same[0]!.name) ? same[0] : undefined
  }
}

function notRun(path: string, { what, tool }: OtherCode, glob: string, others = ''): UsageError {
  return new UsageError(
    `${path} ${what}: leaving it out would skip a migration. Write it as SQL, or as a code migration in TypeScript or ` +
      `JavaScript, with the same number; or, if schemagate should not run it, leave it out: --ignore '${glob}'${others}${tool ? orFollow(tool) : ''}`,
  )
}
