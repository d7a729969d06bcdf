// What the tools share that have a folder for each migration.

import { UsageError } from '../../errors.ts'
import { readName } from '../layouts.ts'
import type { Listing, Tool } from './tool.ts'

/**
 * True if every migration is a folder with such a file in it; or, beside other numbered files, if all of these folders
 * have names as the tool itself makes them. A folder in which forms were mixed by hand is read as schemagate's own.
 */
export function byFolders(listing: Listing, fileName: string, ownName: (folder: string) => boolean): boolean {
  const holders = [...listing.folders].filter(([, files]) => files.some(name => /\.sql$/i.test(name)))
  const own = holders.filter(([, files]) => files.includes(fileName)).map(([folder]) => folder)
  if (own.length === 0 || holders.some(([folder]) => /^\d/.test(folder) && !own.includes(folder))) return false
  const others = listing.files.some(name => readName(name)?.direction === 'up' && /\.sql$/i.test(name))
  return others ? own.every(ownName) : own.some(name => /^\d/.test(name))
}

/** The file of a folder that is one migration: Prisma's, Drizzle's, or Diesel's, Hasura's. */
export const isFolderFile = (file: string): boolean => file === 'migration.sql' || file === 'up.sql'

/**
 * True of a folder that is one migration, whatever its name: `prisma migrate dev --name a.sql` makes one that is called
 * like a file.
 */
export const holdsMigration = (files: readonly string[]): boolean => files.some(isFolderFile)

/** @throws UsageError on a numbered folder without the file that the tool wants in each. */
export function requireFolderFile(
  tool: Tool | undefined,
  path: string,
  folder: string,
  files: readonly string[],
): void {
  const file = tool?.folderFile
  if (file !== undefined && /^\d/.test(folder) && !files.includes(file))
    throw new UsageError(
      `${path} has no ${file}, and ${tool!.title} refuses it. Restore the file, or remove the folder; or leave it out: --ignore '${folder}'`,
    )
}
