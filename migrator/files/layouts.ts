// The layouts of migrations: what a file is by its name.

import { type Named, numbered } from './file-name.ts'

export type { Named } from './file-name.ts'

// a name may contain a line break, which the dot matches with `s`
const flyway = /^([VU])(\d+(?:[._]\d+)*)__(.*)\.sql$/is
const repeatable = /^R__(.*)\.sql$/is
const pair = /^(.+)\.(up|down)\.sql$/is
const sql = /^(.+)\.sql$/is
const code = /^(.+)\.(ts|mts|cts|js|mjs|cjs)$/is
const test = /(?:_test\.go|_spec\.rb|\.(?:test|spec)\.[mc]?[jt]sx?)$/i
const output = /(?:\.d\.[mc]?ts|\.map|\.pyc)$/i

/** Whether a name is that of a test, which is beside the migration that it tests. */
export const isTest = (fileName: string): boolean => test.test(fileName)

/** Whether a name is that of no migration, whatever it begins with: of a test, or of what a build has made. */
export const isNoMigration = (fileName: string): boolean => isTest(fileName) || output.test(fileName)

/**
 * Reads a file's name. Undefined: it is no migration. Names are in NFC, whatever form the file system uses, so that a file is
 * the same migration on macOS and on Linux.
 * Flyway's prefixes are case-sensitive: `v1__x.sql` is not one of its files.
 */
export function readName(asWritten: string): Named | undefined {
  const fileName = asWritten.normalize('NFC')
  // the forms of nearly all files begin with a digit
  const isNumbered = fileName >= '0' && fileName < ':'
  const fly = isNumbered ? null : flyway.exec(fileName)
  if (fly && fly[1] === fly[1]!.toUpperCase()) {
    const version = fly[2]!.split(/[._]/).map(BigInt)
    const stem = fileName.slice(1, -'.sql'.length)
    return { name: `V${stem}`, layout: 'flyway', direction: fly[1] === 'V' ? 'up' : 'down', version }
  }
  if (fileName.startsWith('R') && repeatable.test(fileName))
    return { name: fileName.slice(0, -'.sql'.length), layout: 'repeatable', direction: 'up', version: [] }

  const paired = pair.exec(fileName)
  if (paired) {
    const direction = paired[2]!.toLowerCase() === 'up' ? 'up' : 'down'
    return numbered(paired[1]!, 'pair', direction)
  }
  const plain = sql.exec(fileName)
  if (plain) return numbered(plain[1]!, 'native', 'up')

  const module = isNoMigration(fileName) ? null : code.exec(fileName)
  return module ? numbered(module[1]!, 'code', 'up') : undefined
}

/** Reads the name of a folder that holds one migration: `20240101_users` (Prisma, Diesel). */
export function readFolderName(folderName: string): Named | undefined {
  return numbered(folderName.normalize('NFC'), 'folder', 'up')
}

/** Whether a file of that name is read for the up half of a migration, by its usual ending. */
export const mayBeUp = (fileName: string): boolean =>
  fileName.endsWith('.sql') ? !fileName.endsWith('.down.sql') : /\.[mc]?[jt]s$/.test(fileName)

export const isSqlFile = (fileName: string): boolean => sql.test(fileName)
