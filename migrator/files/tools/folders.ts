// What the tools share that have a folder for each migration.

import { readName } from '../layouts.ts'
import type { Listing } from './tool.ts'

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
