// Reads a folder of migrations, as the tool does that it was written for, into a list in the order of their application.

import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import { build } from '../version.ts'
import { Contents } from './contents.ts'
import { withDependencies } from './dependencies.ts'
import { withDowns } from './downs.ts'
import { type Entries, type Folder, type LeftOut, readEntries } from './entries.ts'
import { notGiven, orFollow, otherApi, ownerOfCode, unknownApi } from './foreign-code.ts'
import { type FolderListing, folderAbove, listFolder } from './listing.ts'
import type { Migration } from './migration.ts'
import { type UpFile, understand } from './migration-file.ts'
import { inOrder, ofTool } from './tool-of-folder.ts'
import { layoutNamed, layoutProblem, recognise, refusedWhole } from './tools/index.ts'
import type { Tool } from './tools/tool.ts'
import { refuseGeneralForms, refuseUndoFiles, withDoubtOfName } from './unsupported.ts'

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
  return drain(readFolderSteps(dir, options)).migrations()
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
  const reading = readFolderSteps(dir, options)
  for (let turns = 1; ; turns++) {
    const { done, value } = reading.next()
    if (done) return value
    if (turns < opening || turns % 16 === 0) await immediate()
  }
}

/** Yields now and then. */
function* readFolderSteps(dir: string, options: FolderOptions): Generator<void, MigrationsFolder> {
  const { layout, ignore = [] } = options
  const problem = layout === undefined ? undefined : layoutProblem(layout)
  if (problem) throw new UsageError(`--layout ${problem}`)
  const listing = listFolder(dir, ignore)
  const tool = layout === undefined ? recognise(listing) : layoutNamed(layout)
  const refused = tool?.refuses?.(listing) ?? (layout === undefined ? refusedWhole(listing) : undefined)
  if (refused) throw new UsageError(`${dir} ${refused}`)
  const above = tool === undefined ? folderAbove(dir, listing) : undefined
  if (above) throw above
  const folder = new ReadFolder(dir, listing, tool, options)
  yield* folder.read()
  return folder
}

class ReadFolder implements MigrationsFolder {
  readonly #folder: Folder
  readonly #options: FolderOptions
  /** What recognising the folder has consulted. */
  readonly #recognisedBy: ReadonlyMap<string, string | undefined>
  #fingerprint: string | undefined
  #entries: Entries | undefined
  #migrations: Migration[] | undefined
  #isAnyLeftOut = false
  isCovered = false

  constructor(dir: string, listing: FolderListing, tool: Tool | undefined, options: FolderOptions) {
    // join() for each of a thousand names takes longer than reading them
    const prefix = join(dir, 'x').slice(0, -1)
    this.#folder = {
      dir,
      prefix,
      listing,
      contents: new Contents(prefix),
      tool: tool?.name === 'native' ? undefined : tool,
      explicit: options.layout !== undefined,
      onLeftOut: leftOut => {
        this.#isAnyLeftOut = true
        options.onLeftOut?.(leftOut)
      },
    }
    this.#options = options
    this.#recognisedBy = new Map(listing.consulted)
  }

  /** Reads the bytes of what may be migrations; and what that is by its name, where no fingerprint tells. Yields now and then. */
  *read(): Generator<void, void> {
    yield* this.#folder.contents.read(this.#folder.listing.regular)
    if (!this.#hasFingerprint) yield* this.#readEntries()
  }

  /** What a link leads to is in no listing, and what is deeper in the folder neither. */
  get #hasFingerprint(): boolean {
    const { contents, listing } = this.#folder
    return contents.areWhole && listing.links.size === 0 && !listing.isDeep
  }

  get fingerprint(): string | undefined {
    if (!this.#hasFingerprint) return undefined
    this.#fingerprint ??= this.#folder.contents.fingerprint(this.#circumstances())
    return this.#fingerprint
  }

  /** All that the names are read by, but for the files' bytes. */
  #circumstances(): readonly unknown[] {
    const { layout, ignore = [] } = this.#options
    const { files, folders, irregular } = this.#folder.listing
    return [build, layout, ignore, [...this.#recognisedBy], files, [...folders], [...irregular]]
  }

  /** Yields now and then. @throws UsageError */
  *#readEntries(): Generator<void, Entries> {
    const { listing, contents } = this.#folder
    const entries = yield* readEntries(this.#folder)
    this.#entries = entries
    this.#fingerprint = this.fingerprint
    contents.forget()
    const hasConsulted = listing.consulted.size > this.#recognisedBy.size
    this.isCovered = this.#hasFingerprint && entries.areOfContents && !this.#isAnyLeftOut && !hasConsulted
    return entries
  }

  get #allEntries(): Entries {
    return this.#entries ?? drain(this.#readEntries())
  }

  checksums(): Iterable<UpFile> {
    return this.#allEntries.ups.values()
  }

  migrations(): Migration[] {
    this.#migrations ??= this.#understand()
    return this.#migrations
  }

  #understand(): Migration[] {
    const entries = this.#allEntries
    const { listing, explicit, onLeftOut } = this.#folder
    refuseGeneralForms(entries)
    const byName = withDowns([...entries.ups.values()].map(understand), entries, onLeftOut)
    refuseUndoFiles(byName)
    const read = [...byName.values()]
    const tool = this.#folder.tool ?? (explicit ? undefined : ofTool(read, listing))
    const migrations = read.map(migration => this.#withDoubtOfCode(migration, tool, entries))
    const onGap = (migration: Migration, message: string) =>
      onLeftOut({ file: migration.file, message: `${migration.file} ${message}` })
    const sorted = inOrder(migrations, { tool, explicit, listing, onLeftOut: onGap })
    return explicit ? sorted : withDependencies(sorted, listing).map(withDoubtOfName)
  }

  /** What another tool has applied is not run again: its code is refused where it would be. */
  #withDoubtOfCode(migration: Migration, tool: Tool | undefined, { ups }: Entries): Migration {
    if (migration.kind !== 'code') return migration
    const { text } = ups.get(migration.name)!
    const owner = ownerOfCode(text, tool)
    const missing = owner ? [] : notGiven(text)
    if (!owner && missing.length === 0) return migration
    const what = owner ? otherApi(owner) : unknownApi(missing)
    const name = migration.file.slice(this.#folder.prefix.length)
    const doubt = `${migration.file} is not run. ${what} Or, if schemagate should not run it, leave it out: --ignore '${name}'${owner ? orFollow(owner) : ''}`
    return { ...migration, doubt }
  }
}
