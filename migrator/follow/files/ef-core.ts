// EF Core: classes with the attribute [Migration("...")], in the file of the migration or in its .Designer.cs.
// https://github.com/dotnet/efcore: src/EFCore.Relational/Migrations/Internal/MigrationsAssembly.cs.

import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { type CodeToken, csharpTokens } from '../../text/code-tokens.ts'
import { unreadable } from '../unreadable.ts'
import { refuseMissed } from './missed.ts'
import type { FollowedReader } from './reader.ts'
import { filesIn, isOwnFolder } from './tree.ts'

interface Attributed {
  readonly id: string
  readonly context: string | undefined
  readonly folder: string
}

export const efCore: FollowedReader = async (dir, { ignore }) => {
  const enters = (name: string, path: string) => isOwnFolder(name, path) && name !== 'bin' && name !== 'obj'
  const paths = filesIn(dir, { ignore, enters }).filter(path => path.endsWith('.cs'))
  const found = paths.flatMap(path => attributesIn(join(dir, path), path.slice(0, path.lastIndexOf('/') + 1)))
  refuseProviders(found, dir)
  return found.map(({ id }) => ({ key: id, name: id })).toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

const attribute = /^[ \t]*\[(?:[\w.]+\.)?(?=Migration(?:Attribute)?\s*\(\s*@?")/gm

function attributesIn(file: string, folder: string): readonly Attributed[] {
  const source = readUtf8(file)
  if (!/\bMigration(?:Attribute)?\s*\(/.test(source)) return []
  const tokens = csharpTokens(source)
  refuseMissed({ file, source }, tokens, attribute)
  return tokens.flatMap((token, at) => {
    if (!isAttribute(tokens, at)) return []
    const [value, close] = tokens.slice(at + 2)
    if (value?.value !== undefined && close?.text === ')')
      return [{ id: value.value, context: contextNear(tokens, at), folder }]
    throw unreadable(
      { file, source },
      token.start,
      'has a [Migration] whose text is computed, or is none of EF Core',
      'Write a string: [Migration("20240101000000_Users")].',
    )
  })
}

/** `[Migration(`, also behind another one in the same brackets, or with its namespace. */
function isAttribute(tokens: readonly CodeToken[], at: number): boolean {
  if (!/^Migration(?:Attribute)?$/.test(tokens[at]!.text) || tokens[at + 1]?.text !== '(') return false
  let before = at - 1
  while (tokens[before]?.text === '.' && tokens[before - 1]?.kind === 'word') before -= 2
  return tokens[before]?.text === '[' || (tokens[before]?.text === ',' && tokens[before - 1]?.text === ')')
}

/** The type in `[DbContext(typeof(App))]`, beside the attribute. */
function contextNear(tokens: readonly CodeToken[], at: number): string | undefined {
  const near = tokens.slice(Math.max(0, at - 14), at + 20)
  const context = near.findIndex(({ text }, i) => text === 'typeof' && near[i - 2]?.text === 'DbContext')
  if (context === -1) return undefined
  const rest = near.slice(context + 2)
  return rest
    .slice(
      0,
      rest.findIndex(({ text }) => text === ')'),
    )
    .at(-1)?.text
}

/** A project for several databases has a folder for each: of one context the migrations are in one place. */
function refuseProviders(found: readonly Attributed[], dir: string): void {
  const folders = new Map<string, Set<string>>()
  for (const { context = '', folder } of found) folders.set(context, (folders.get(context) ?? new Set()).add(folder))
  for (const [context, all] of folders) {
    const apart = [...all].filter(folder => ![...all].some(other => other !== folder && folder.startsWith(other)))
    if (apart.length > 1)
      throw new UsageError(
        `${dir} has migrations of ${context === '' ? 'one context' : context} in ${apart.length} folders, as for several databases: ${apart.map(folder => join(dir, folder)).join(', ')}. Name the one for Postgres with --dir.`,
      )
  }
}
