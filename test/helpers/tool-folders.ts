// Folders of other tools, in small: made, read, and what came of it.

import { expect } from 'vitest'
import { readFolder } from '../../migrator/files/folder.ts'
import type { Migration } from '../../migrator/files/migration.ts'
import { folder } from './migrations.ts'

export type Files = Readonly<Record<string, string>>

export interface Read {
  readonly names: readonly string[]
  readonly leftOut: readonly string[]
  readonly migrations: readonly Migration[]
}

/** Reads a folder with these files; what is left out is named by its path in it. */
export async function read(files: Files, layout?: string, ignore?: readonly string[]): Promise<Read> {
  const dir = await folder(files)
  const leftOut: string[] = []
  const migrations = readFolder(dir, {
    layout,
    ignore,
    onLeftOut: ({ file, message }) => {
      expect(message.startsWith(file)).toBe(true)
      leftOut.push(file.slice(dir.length + 1))
    },
  })
  return { names: migrations.map(({ name }) => name), leftOut: leftOut.sort(), migrations }
}

/** Files of these names, all with the same text. */
export const named = (names: readonly string[], text = 'select 1;\n'): Files =>
  Object.fromEntries(names.map(n => [n, text]))
export const upSql = ({ up }: Migration) => up?.source.slice(up.start, up.end).trim()
export const downSql = ({ down }: Migration) => down?.source.slice(down.start, down.end).trim()
/** Drizzle's journal. */
export const journal = (...tags: readonly string[]) =>
  JSON.stringify({ version: '7', dialect: 'postgresql', entries: tags.map((tag, idx) => ({ idx, tag, when: idx })) })

/** A file with both parts. */
export const marked = (up: string, down: string) => `${up}\nselect 1;\n${down}\nselect 2;\n`
