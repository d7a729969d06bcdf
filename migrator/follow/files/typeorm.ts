// TypeORM: classes, known by their names, with a timestamp at the end; a property `name` goes before the class's name.
// https://github.com/typeorm/typeorm: src/migration/MigrationExecutor.ts.

import { basename, dirname, join, resolve, sep } from 'node:path'
import { typeormKey } from '../../../gate/histories/typeorm.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import { isNoMigration } from '../../files/layouts.ts'
import { readUtf8 } from '../../files/read-large.ts'
import { type CodeToken, scriptTokens } from '../../text/code-tokens.ts'
import { unreadable } from '../unreadable.ts'
import { refuseMissed } from './missed.ts'
import type { FollowedReader } from './reader.ts'
import { filesIn, isOwnFolder } from './tree.ts'

export const typeorm: FollowedReader = async (dir, { ignore }) => {
  const paths = filesIn(dir, { ignore, enters: isOwnFolder })
  const modules = paths.filter(path => /(?:^|\/)[^./][^/]*\.[cm]?[jt]s$/.test(path) && !isNoMigration(path))
  // compiled beside its source, a class is there twice
  const stems = new Map(modules.map(path => [path.replace(/\.[cm]?[jt]s$/, ''), path]))
  const found = [...stems.values()].flatMap(path => migrationsIn(join(dir, path), dir))
  return found.toSorted((a, b) => Number.parseInt(a.key, 10) - Number.parseInt(b.key, 10))
}

const declaration =
  /^[ \t]*(?:export\s+(?:default\s+)?)?(?:abstract\s+)?(?=class\b[^{;]*\bimplements\b[^{;]*\bMigrationInterface\b)/gm

function migrationsIn(file: string, dir: string): readonly FollowedMigration[] {
  const source = readUtf8(file)
  if (!/MigrationInterface|\d{13}/.test(source)) return []
  const tokens = scriptTokens(source)
  refuseMissed({ file, source }, tokens, declaration)
  refuseFormerClasses({ file, source }, tokens)
  const found = classesIn({ file, source }, tokens)
  if (found.length === 0) refuseListed({ file, source }, tokens, dir)
  return found
}

interface Module {
  readonly file: string
  readonly source: string
}

function classesIn({ file, source }: Module, tokens: readonly CodeToken[]): readonly FollowedMigration[] {
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'word' || token.text !== 'class' || tokens[at - 1]?.text === '.') return []
    const { named, isMigration } = classAt(tokens, at)
    const name = named?.value ?? (named ? undefined : className(tokens, at))
    if (named && named.value === undefined && isMigration)
      throw unreadable(
        { file, source },
        named.start,
        'computes the name of a migration, and schemagate does not run it',
        "Write a string: name = 'Users1700000000000'.",
      )
    const isTimed = name !== undefined && (isMigration ? /^\d/.test(name.slice(-13)) : /\d{13}$/.test(name))
    if (isTimed) return [{ key: typeormKey(name), name }]
    if (!isMigration) return []
    throw new UsageError(
      `${file} has a migration ${name ?? 'without a name'}, which TypeORM refuses: its name must end with a timestamp of 13 digits. Rename the class, or set its property \`name\`.`,
    )
  })
}

/** @throws UsageError on a class that compilers made a function of, as ES5 has it: the gate would open without it. */
function refuseFormerClasses(module: Module, tokens: readonly CodeToken[]): void {
  const up = tokens.findIndex(
    ({ text }, i) => text === 'prototype' && tokens[i + 1]?.text === '.' && tokens[i + 2]?.text === 'up',
  )
  if (up !== -1)
    throw unreadable(
      module,
      tokens[up]!.start,
      'has a class as compilers wrote it for ES5, whose name schemagate does not read',
      'Name the folder of its sources with --dir, or compile them for ES2015 or newer.',
    )
}

/**
 * A module without a migration is the list that TypeORM is given.
 * @throws UsageError where it names one that is not in the folder: the gate would open without it.
 */
function refuseListed({ file, source }: Module, tokens: readonly CodeToken[], dir: string): void {
  const inside = `${resolve(dir)}${sep}`
  const listed = tokens.find(
    ({ value = '' }) =>
      value.startsWith('../') && /\d{13}/.test(basename(value)) && !resolve(dirname(file), value).startsWith(inside),
  )
  if (listed)
    throw unreadable(
      { file, source },
      listed.start,
      `lists ${listed.value}, which is not in the folder ${dir}`,
      'Name a folder that has both with --dir, and leave out the migrations for other databases: --ignore; or, if TypeORM is not given this list, --ignore this file.',
    )
}

function className(tokens: readonly CodeToken[], at: number): string | undefined {
  const next = tokens[at + 1]
  return next?.kind === 'word' && next.text !== 'implements' && next.text !== 'extends' ? next.text : undefined
}

interface ClassBody {
  /** The token that gives its property `name`. */
  readonly named: CodeToken | undefined
  /** It says so, or has both `up` and `down`. */
  readonly isMigration: boolean
}

function classAt(tokens: readonly CodeToken[], at: number): ClassBody {
  const open = tokens.findIndex((token, i) => i > at && token.text === '{')
  const head = tokens.slice(at, open).map(({ text }) => text)
  const isAbstract = tokens[at - 1]?.text === 'abstract'
  const members = new Set<string>()
  let named: CodeToken | undefined
  let depth = 0
  for (let i = open; i < tokens.length && open !== -1; i++) {
    const { kind, text } = tokens[i]!
    if (kind === 'mark' && '{(['.includes(text)) depth++
    if (kind === 'mark' && '})]'.includes(text)) depth--
    if (depth === 0) break
    if (kind !== 'word') continue
    const isMember = depth === 1
    // what compilers make of it: this.name = '...' in the constructor
    const isOwn = tokens[i - 1]?.text === '.' && tokens[i - 2]?.text === 'this'
    if (isMember && tokens[i + 1]?.text === '(') members.add(text)
    if (text !== 'name' || !(isMember || (isOwn && depth === 2))) continue
    const equals =
      tokens[i + 1]?.text === ':' ? tokens.findIndex((token, j) => j > i && /[=;]/.test(token.text)) : i + 1
    if (tokens[equals]?.text === '=') named ??= valueAt(tokens, equals + 1)
  }
  const isMigration = head.includes('MigrationInterface') || (members.has('up') && members.has('down'))
  return { named, isMigration: isMigration && !isAbstract }
}

/** A string alone; anything with more to it has no value. */
function valueAt(tokens: readonly CodeToken[], at: number): CodeToken | undefined {
  const value = tokens[at]
  const next = tokens[at + 1]
  const isAlone = next === undefined || next.kind === 'word' || ['}', ';', '@', '['].includes(next.text)
  if (!value || (value.kind === 'string' && isAlone)) return value
  return { kind: 'mark', text: '', start: value.start }
}
