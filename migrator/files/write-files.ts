// Writes files into a project, all of them or none: a disk that is full leaves none half written.

import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { cannotWrite } from './cannot-read.ts'

/** A file to write, and whether it is a new one, lines at the end of one, or stands in the place of one. */
export interface FileToWrite {
  readonly path: string
  readonly text: string
  readonly as: 'new' | 'appended' | 'replaced'
}

/**
 * Writes them, and makes the folders that they need.
 * @throws UsageError if one of them cannot be written; what was written is taken back.
 */
export function writeFiles(files: readonly FileToWrite[]): void {
  const undo: (() => void)[] = []
  for (const file of files) {
    try {
      write(file, undo)
    } catch (error) {
      for (const takeBack of undo.reverse()) takeBack()
      throw cannotWrite(file.path, error)
    }
  }
}

function write({ path, text, as }: FileToWrite, undo: (() => void)[]): void {
  const made = mkdirSync(dirname(path), { recursive: true })
  if (made !== undefined) undo.push(() => rmSync(made, { recursive: true, force: true }))
  if (as === 'appended') {
    const { size } = statSync(path)
    undo.push(() => truncateSync(path, size))
    appendFileSync(path, text)
  } else if (as === 'new') writeNew(path, text, undo)
  else {
    // in one go, so that the file is whole at any moment, also where this process is killed
    const target = existsSync(path) ? realpathSync(path) : path
    const whole = join(dirname(target), `.${basename(target)}.${process.pid}`)
    rmSync(whole, { force: true })
    writeNew(whole, text, undo)
    renameSync(whole, target)
  }
}

/** Never over a file that is there. */
function writeNew(path: string, text: string, undo: (() => void)[]): void {
  const file = openSync(path, 'wx')
  undo.push(() => rmSync(path, { force: true }))
  try {
    writeFileSync(file, text)
  } finally {
    closeSync(file)
  }
}

/** Makes a folder for what is thrown away. @throws UsageError */
export function temporaryFolder(prefix: string): string {
  const path = join(tmpdir(), prefix)
  try {
    return mkdtempSync(path)
  } catch (error) {
    throw cannotWrite(path, error)
  }
}
