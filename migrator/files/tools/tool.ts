// What is known of a migration tool: how its folder is recognised, and what the tool makes of it. One file for each tool.

import type { Named } from '../file-name.ts'
import type { Migration } from '../migration.ts'

/** What is in a folder of migrations, before any migration is read. */
export interface Listing {
  /** Names of the files in it, hidden ones too. */
  readonly files: readonly string[]
  /** Names of the folders in it, each with the names of what it holds; hidden folders are not among them. */
  readonly folders: ReadonlyMap<string, readonly string[]>
  /** The text of a file, by its path from the folder (`../x` is beside it); undefined if there is no such file. */
  text(path: string): string | undefined
}

/** How a tool marks the parts of one file. Each mark is a comment line; the first group of `up` and `down` is their options. */
export interface Dialect {
  readonly up?: RegExp
  readonly down?: RegExp
  /** Ends the part before it; what follows belongs to none. */
  readonly end?: RegExp
  readonly noTransaction?: RegExp
  /** Each of the marks holds one of these: files without any are not looked at line by line. */
  readonly words: readonly string[]
  /** Forms that could be sentences as well: they count in a file that is certainly the tool's. */
  readonly loose?: { readonly up: RegExp; readonly down: RegExp; in(fileName: string, source: string): boolean }
  /** The parts under several marks of one direction are joined. */
  readonly repeats?: true
  /** The down part may stand before the up part. */
  readonly eitherOrder?: true
  /** The two lines that the tool itself writes into a new file; the first may be empty. */
  readonly written?: readonly [up: string, down: string]
}

export type Ordered = Pick<Migration, 'name' | 'version' | 'kind' | 'layout'>
export type Compare = (a: Ordered, b: Ordered) => number

/** A text that the tool replaces before it runs a file, also inside of strings. */
export interface Placeholder {
  readonly pattern: RegExp
  /** A form that no other tool and no text has: it is reported in any folder. */
  readonly anywhere?: RegExp
  /** A wider form that counts outside of strings only: elsewhere it would be a variable of psql. */
  readonly inCode?: RegExp
  /** `is ...`: what it is, and what to do. */
  readonly what: string
}

export interface Tool {
  /** As it is written after `--layout`. */
  readonly name: string
  /** As people write it. */
  readonly title: string
  /** For the table in docs/migration-files.md: file names, marks and order that are read. */
  readonly reads?: string
  /** For the same table: what is left out, and what is refused. */
  readonly not?: string
  /** Its API, in a module that is meant for it. Where it is what `up` is given, the module is certainly not schemagate's. */
  readonly module?: RegExp
  /** Its own history tables, without their schema. */
  readonly tables?: readonly string[]
  readonly dialect?: Dialect

  /** True if the folder is certainly this tool's, by what is in it. */
  recognise?(listing: Listing): boolean
  /** True if it may be, by a file that other tools' folders can have, too: it counts where nothing else does. */
  presume?(listing: Listing): boolean
  /** True if a file is certainly this tool's, whatever folder it is in. */
  ownsFile?(source: string): boolean
  /** True: its marks are schemagate's own, and do not make a folder the tool's. */
  readonly sharesMarks?: true
  /** Reads a file's name that is not of the common forms, or means something else to the tool. */
  nameFile?(fileName: string): Named | undefined
  /** The same for a folder that holds one migration. */
  nameFolder?(folderName: string): Named | undefined
  /** False: the tool does not look at it. Absent: it looks at all. */
  takes?(named: Named, listing: Listing): boolean
  /** The file that each folder of a migration must have: the tool refuses one without. */
  readonly folderFile?: string
  /** True: a `.sql` file that is no migration to the tool is left out, with a warning. */
  readonly leavesStrays?: true
  /** Names that are a mistake: the tool cannot read the version, and skips the file silently. */
  readonly slips?: RegExp
  /** True: the tool refuses a version that it finds twice. */
  readonly refusesTwice?: true
  /** It looks into folders inside the folder, too, for files of such a name. */
  readonly recursive?: RegExp
  /** The order of its migrations; absent: by number, then by name. */
  order?(listing: Listing): Compare
  /** Where among the sorted migrations it stops, and why, as a clause. */
  stopsAt?(sorted: readonly Ordered[]): { readonly index: number; readonly why: string } | undefined
  /** What is wrong with the folder as a whole, as the end of a sentence that begins with the folder's name. */
  refuses?(listing: Listing): string | undefined
  /** Names of migrations that must be there. */
  expects?(listing: Listing): readonly string[]
  /** Makes SQL of what only the tool understands; lines and positions stay. */
  translate?(source: string): string
  /** False: a setting beside the migration's file says that it runs outside of a transaction. */
  inTransaction?(entry: string, listing: Listing): boolean
  /** A setting beside the migration's file by which the tool may not run it: goes on after the file's name. */
  leavesOpen?(entry: string, listing: Listing): string | undefined
  /** Filled in by the tool in files that are certainly its own: with its marks, or in a folder that is its. */
  readonly placeholders?: readonly Placeholder[]
  /** Contents that only this tool can run, in whatever folder. `what` goes on after the file's name. */
  readonly contents?: readonly { isIn(source: string): boolean; readonly what: string }[]
  /** File names that mean something to this tool alone, in whatever folder. `what` goes on after the file's name. */
  readonly refusedNames?: readonly { readonly pattern: RegExp; readonly what: string }[]
  /** File names that only this tool can run; `text` must be in the file, if it is given. */
  readonly code?: readonly { readonly pattern: RegExp; readonly text?: RegExp }[]
  /** True if it replaces the older migrations on an empty database, and is skipped on any other. */
  standsIn?(source: string): boolean
  /** The names of a new migration's files, in the tool's own form. */
  newFiles?(number: string, slug: string): Record<string, string>
}
