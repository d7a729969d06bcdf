// What each entry of a folder is by its name: an up half, a down half, a folder with both, or nothing that is run.

import { basename, extname, join } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Contents } from './contents.ts'
import type { Named } from './file-name.ts'
import { orFollow } from './foreign-code.ts'
import { isSqlFile, isTest, readFolderName, readName } from './layouts.ts'
import { type FolderListing, folderForFile, noLayout, noMigrations } from './listing.ts'
import { type FileSetting, readUp, type UpFile } from './migration-file.ts'
import { codeInFolder, type OtherCode, onlyItsTool } from './other-languages.ts'
import { holdsMigration, isFolderFile, requireFolderFile } from './tools/folders.ts'
import type { Tool } from './tools/tool.ts'
import { refuseOtherDatabase, unsupportedName } from './unsupported.ts'

/** A file that is left out, and could be missed. */
export interface LeftOut {
  readonly file: string
  /** The reason, and what to do if that is wrong; begins with the file. */
  readonly message: string
}

/** A folder whose bytes were read. */
export interface Folder {
  readonly dir: string
  /** What the paths of all its entries begin with. */
  readonly prefix: string
  readonly listing: FolderListing
  readonly contents: Contents
  /** Whose rules apply; undefined where none but our own do. */
  readonly tool: Tool | undefined
  /** The operator has named the tool: whatever it does not read is left out. */
  readonly explicit: boolean
  /** Called for each file that is left out and could be missed. */
  readonly onLeftOut: (leftOut: LeftOut) => void
}

/** A file that is the down half of a migration. */
export interface DownFile {
  readonly named: Named
  readonly file: string
}

/** What the entries of a folder are. */
export interface Entries {
  /** Up halves by the names of their migrations. */
  readonly ups: ReadonlyMap<string, UpFile>
  /** Down halves that are files beside them. */
  readonly downs: ReadonlyMap<string, DownFile>
  /** The down halves of folders that hold one migration, by its name. */
  readonly innerDowns: ReadonlyMap<string, string>
  /** Every up half is among the folder's contents. */
  readonly areOfContents: boolean
}

/** Entries between two looks at what else there is to do. */
const turn = 16

/**
 * Reads what the entries are. Yields now and then.
 * @throws UsageError on what is no migration and may not be left out, on the same name twice, if there is none.
 */
export function* readEntries(folder: Folder): Generator<void, Entries> {
  const reader = new EntriesReader(folder)
  for (const [i, name] of folder.listing.entries.entries()) {
    if (i % turn === 0) yield
    reader.read(name)
  }
  reader.requireAll()
  reader.readDeep()
  return reader
}

class EntriesReader implements Entries {
  readonly ups = new Map<string, UpFile>()
  readonly downs = new Map<string, DownFile>()
  readonly innerDowns = new Map<string, string>()
  areOfContents = true
  readonly #folder: Folder

  constructor(folder: Folder) {
    this.#folder = folder
  }

  read(name: string): void {
    if (name.startsWith('.')) return
    const path = this.#folder.prefix + name
    if (this.#folder.listing.folders.has(name)) {
      this.#readMigrationFolder(name, path)
      return
    }
    const named = this.#nameOf(name)
    if (named && this.#folder.listing.irregular.has(name))
      throw new UsageError(`${path} is not a regular file. Remove it from the migrations folder.`)
    if (!named) this.#readOther(name, path)
    else if (this.#folder.tool?.takes?.(named, this.#folder.listing) === false) this.#leaveOut(path, isSqlFile(name))
    else if (named.direction === 'up') this.#add(this.#readUp(named, name, name))
    else if (this.downs.has(named.name))
      throw new UsageError(
        `Two down files for ${named.name}: ${this.downs.get(named.name)!.file} and ${path}. Remove one.`,
      )
    else {
      this.#refuseOtherDatabase(named, path)
      this.downs.set(named.name, { named, file: path })
    }
  }

  #nameOf(fileName: string): Named | undefined {
    return this.#folder.tool?.nameFile?.(fileName.normalize('NFC')) ?? readName(fileName)
  }

  /** @param path of the file, in the folder; of which `entry` is the file itself, or the folder that it is in. */
  #readUp(named: Named, entry: string, path: string): UpFile {
    this.#refuseOtherDatabase(named, this.#folder.prefix + path)
    const read = this.#folder.contents.textOf(path)
    if (read === undefined) this.areOfContents = false
    return readUp(named, this.#folder.prefix + path, this.#setting(entry), read)
  }

  #refuseOtherDatabase({ name }: Named, path: string): void {
    const { files, folders } = this.#folder.listing
    const names = () =>
      [...files, ...folders.keys()].flatMap(entry => (this.#nameOf(entry) ?? readFolderName(entry))?.name ?? [])
    refuseOtherDatabase(name, path, names)
  }

  /** @throws UsageError if there is none, or one is missing that the tool's own list has. */
  requireAll(): void {
    const missing = this.#folder.tool?.expects?.(this.#folder.listing).find(name => !this.ups.has(name))
    if (missing !== undefined)
      throw new UsageError(
        `${this.#folder.prefix}${missing}.sql is missing: ${this.#folder.tool?.title} lists it, and would not run without it. Restore it.`,
      )
    if (this.ups.size === 0) throw noMigrations(this.#folder.dir, this.#folder.listing, this.#folder.tool)
  }

  /** What is in folders inside of folders, where migrations may be that would be missed. */
  readDeep(): void {
    for (const folder of this.#folder.listing.folders.keys())
      for (const file of this.#folder.listing.deepIn(folder)) if (isSqlFile(file)) this.#readStray(folder, file)
  }

  #add(up: UpFile): void {
    const other = this.ups.get(up.name)
    if (other)
      throw new UsageError(`Two migrations are named ${up.name}: ${other.file} and ${up.file}. Rename one of them.`)
    this.ups.set(up.name, up)
  }

  #setting(entry: string): FileSetting {
    const tool = this.#folder.tool
    return {
      tool,
      inTransaction: () => tool?.inTransaction?.(entry, this.#folder.listing) ?? true,
      open: () => tool?.leavesOpen?.(entry, this.#folder.listing),
    }
  }

  /** A file whose name is no migration's. */
  #readOther(name: string, path: string): void {
    const unsupported = unsupportedName(name)
    if (unsupported) throw new UsageError(`${path} ${unsupported}`)
    if (isSqlFile(name)) {
      if (this.#folder.tool?.slips?.test(name) || !this.#leavesStrays()) throw new UsageError(noLayout(path, name))
      this.#leaveOut(path, true)
      return
    }
    // of Go and Ruby they cannot be a migration
    if (isTest(name) && /^\d.*[jt]s$/is.test(name))
      this.#folder.onLeftOut({
        file: path,
        message: `${path} is left out: it is a test, by its name. If it is a migration, rename it.`,
      })
    const onlyThere = (file: string) =>
      onlyItsTool(file, this.#folder.tool, () => this.#folder.listing.text(file) ?? '')
    const code = onlyThere(name)
    if (!code) return
    const ending = extname(name)
    const same = this.#folder.listing.files.filter(file => extname(file) === ending)
    const alike = same.some(file => this.#nameOf(file)) ? [name] : same.filter(file => onlyThere(file))
    throw notRun(path, code, name, alike.length > 1 ? `, and all ${alike.length} like it with '*${ending}'` : '')
  }

  #leavesStrays(): boolean {
    return this.#folder.tool !== undefined && (this.#folder.explicit || this.#folder.tool.leavesStrays === true)
  }

  #leaveOut(path: string, shouldWarn: boolean): void {
    if (!shouldWarn) return
    const { title = '' } = this.#folder.tool ?? {}
    this.#folder.onLeftOut({
      file: path,
      message: `${path} is left out, as ${title} does. To run it: --layout native. To leave it out without this warning: --ignore.`,
    })
  }

  /** Prisma's `NAME/migration.sql`, Diesel's `NAME/up.sql` and `NAME/down.sql`. */
  #readMigrationFolder(name: string, path: string): void {
    const files = this.#folder.listing.folders.get(name) ?? []
    if (this.#nameOf(name) && !holdsMigration(files)) throw folderForFile(path)
    const sqlFiles = files.filter(file => !file.startsWith('.') && isSqlFile(file))
    const code = sqlFiles.length === 0 && codeInFolder(this.#folder.listing, name, this.#folder.tool)
    if (code) throw notRun(this.#folder.prefix + code.file, code, `${name}/**`)
    const named = this.#folder.tool?.nameFolder?.(name.normalize('NFC')) ?? readFolderName(name)
    const taken = named && this.#folder.tool?.takes?.(named, this.#folder.listing) !== false
    const ups = sqlFiles.filter(isFolderFile)
    for (const file of sqlFiles.filter(file => !['migration.sql', 'up.sql', 'down.sql'].includes(file)))
      this.#readStray(name, `${name}/${file}`)
    if (taken) requireFolderFile(this.#folder.tool, path, name, files)
    if (sqlFiles.length === 0) {
      if (taken && this.#folder.tool && readFolderName(name))
        this.#folder.onLeftOut({
          file: path,
          message: `${path} is left out, as ${this.#folder.tool.title} does: there is no SQL in it. Restore its file; or leave it out without this warning: --ignore '${name}'`,
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
    if (sqlFiles.includes('down.sql')) this.innerDowns.set(up.name, join(path, 'down.sql'))
  }

  /** A file of SQL in a folder, other than the folder's own; `file` is its path in the migrations folder. */
  #readStray(folder: string, file: string): void {
    const path = this.#folder.prefix + file
    if (this.#leavesStrays() && !this.#folder.tool?.recursive) {
      this.#leaveOut(path, true)
      return
    }
    throw new UsageError(
      this.#nameOf(basename(file))
        ? `${path} is in a folder inside the migrations folder, and migrations are read from the folder itself. Move it up, or out of the migrations folder, or name its folder with --dir, or leave it out with --ignore '${folder}/**'.`
        : noLayout(path, file),
    )
  }
}

function notRun(path: string, { what, tool }: OtherCode, glob: string, others = ''): UsageError {
  return new UsageError(
    `${path} ${what}: leaving it out would skip a migration. Write it as SQL, or as a code migration in TypeScript or ` +
      `JavaScript, with the same number; or, if schemagate should not run it, leave it out: --ignore '${glob}'${others}${tool ? orFollow(tool) : ''}`,
  )
}
