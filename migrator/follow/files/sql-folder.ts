// Folders of SQL files, by their names alone: what is in them the tool knows, and code that it runs counts as well.

import { dirname, join, resolve } from 'node:path'
import { historyToolNamed } from '../../../gate/histories/index.ts'
import type { FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { UsageError } from '../../errors.ts'
import { isThere } from '../../files/cannot-read.ts'
import type { Named } from '../../files/file-name.ts'
import type { FolderOptions } from '../../files/folder.ts'
import { isSqlFile, isTest, readFolderName, readName } from '../../files/layouts.ts'
import { type FolderListing, folderForFile, listFolder } from '../../files/listing.ts'
import { compareMigrations, compareVersions } from '../../files/order.ts'
import { holdsMigration, requireFolderFile } from '../../files/tools/folders.ts'
import { layoutNamed, layoutProblem } from '../../files/tools/index.ts'
import type { Ordered, Tool } from '../../files/tools/tool.ts'
import { filesToolOf } from '../../histories/index.ts'
import type { FollowedReader } from './reader.ts'
import { baseOf, filesIn, isVisible } from './tree.ts'

/** Modules that a tool of SQL files runs, too. */
const modules: Readonly<Record<string, RegExp>> = {
  'node-pg-migrate': /\.[cm]?[jt]s$/,
  'postgres-migrations': /\.js$/,
  postgrator: /\.[cm]?[jt]s$/,
}

/** Their files need no number. */
const anyName = new Set(['sql-migrate', 'atlas'])

interface Found extends Ordered {
  readonly path: string
  readonly standsIn?: true | undefined
}

interface Keyed {
  readonly file: Found
  readonly key: string
  /** The key that a newer release of the tool has for it. */
  readonly replaces?: readonly string[]
}

/** The reader for the files of that tool. */
export function sqlFolder(name: string): FollowedReader {
  return async (dir, { ignore = [], layout = name, onLeftOut }) => {
    const problem = layoutProblem(layout)
    if (problem !== undefined) throw new UsageError(`--layout ${problem}`)
    const tool = layoutNamed(layout)!
    const listing = listFolder(dir, ignore)
    const refused = tool.refuses?.(listing)
    if (refused !== undefined) throw new UsageError(`${dir} ${refused}`)
    const sources = name === 'flyway' ? sourcesBeside(dir) : undefined
    if (sources) logElsewhere(sources, dir, tool, { ignore, onLeftOut })
    const folders = [dir, ...(sources?.folders ?? [])]
    const found = (
      tool.recursive ? folders.flatMap(folder => deepFiles(folder, tool, ignore)) : entries(dir, tool, listing)
    ).toSorted(tool.order?.(listing) ?? compareMigrations)
    if (tool.recursive) requireOneOfEach(found, dir, tool)
    if (name === 'flyway') checkPrefix(folders, found, { ignore, onLeftOut })
    const missing = tool.expects?.(listing).find(one => !found.some(file => file.name === one))
    if (missing !== undefined)
      throw new UsageError(`${dir} has no ${missing}.sql, which ${tool.title} lists. Restore it.`)
    const stop = tool.stopsAt?.(found)
    for (const { path } of found.slice(stop?.index))
      if (stop) onLeftOut?.({ file: path, message: `${path} is left out, as ${tool.title} does: ${stop.why}.` })
    const { keyOf, laterKeyOf } = filesToolOf(historyToolNamed(name)!)
    const keyed = found.slice(0, stop?.index).flatMap(file => {
      const text = (path: string) => listing.text(path)
      const key = keyOf(file, text)
      const later = laterKeyOf?.(file, text)
      return key === undefined ? [] : [{ file, key, ...(later !== undefined && { replaces: [later] }) }]
    })
    return withoutReplaced(keyed)
  }
}

function entries(dir: string, tool: Tool, listing: FolderListing): Found[] {
  return listing.entries.flatMap(entry => {
    if (entry.startsWith('.')) return []
    const inside = listing.folders.get(entry)
    if (inside && namedFile(tool, entry) && !holdsMigration(inside)) throw folderForFile(join(dir, entry))
    if (inside) requireFolderFile(tool, join(dir, entry), entry, inside)
    const named = inside ? namedFolder(tool, entry, inside) : namedFile(tool, entry)
    if (named?.direction !== 'up' || tool.takes?.(named, listing) === false) return []
    const text = () => listing.text(inside ? `${entry}/migration.sql` : entry) ?? ''
    return [foundAs(named, entry, named.standsIn ?? ((tool.standsIn?.(text()) || undefined) as true | undefined))]
  })
}

/** The roots of a project's sources, and the folders in them that are the same package as a folder of its resources. */
interface Sources {
  readonly roots: readonly string[]
  readonly folders: readonly string[]
}

/**
 * Flyway's location is one of the classpath: `src/main/java/db/migration` is in `classpath:db/migration` as well as
 * `src/main/resources/db/migration` is. Undefined: the folder is none of resources.
 */
function sourcesBeside(dir: string): Sources | undefined {
  const [, root, location] = /^(.*[\\/]src[\\/]\w+[\\/])resources(?:[\\/](.+))?$/.exec(resolve(dir)) ?? []
  if (root === undefined) return undefined
  const roots = ['java', 'kotlin', 'groovy', 'scala'].map(language => join(root, language)).filter(isThere)
  return { roots, folders: roots.map(one => join(one, location ?? '')).filter(isThere) }
}

/** Migrations in other packages are Flyway's where the project adds them. */
function logElsewhere({ roots, folders }: Sources, dir: string, tool: Tool, options: FolderOptions): void {
  for (const root of roots.filter(one => !folders.includes(one))) {
    const enters = (name: string, path: string) => isVisible(name) && !folders.includes(path)
    const others = filesIn(root, { ignore: options.ignore, enters }).filter(path => namedFile(tool, baseOf(path)))
    for (const folder of new Set(others.map(path => join(root, dirname(path)))))
      options.onLeftOut?.({
        file: folder,
        message: `${folder} is left out: it has migrations of ${tool.title} in another package than ${dir}. If the project adds them (locations, javaMigrations), name a folder that has both with --dir (only names are read: a folder with a copy of both will do).`,
      })
  }
}

/** The tool looks into all folders inside that are not hidden. */
function deepFiles(dir: string, tool: Tool, ignore: readonly string[]): Found[] {
  return filesIn(dir, { ignore, enters: isVisible, isFile: file => namedFile(tool, file) !== undefined }).flatMap(
    path => {
      const named = namedFile(tool, baseOf(path))
      const isTaken = named?.direction === 'up' && (named.layout === 'flyway' || named.layout === 'repeatable')
      return isTaken ? [foundAs(named, path, named.standsIn)] : []
    },
  )
}

/** @throws UsageError on one migration in several folders: of several databases, as a rule, of which the tool reads one. */
function requireOneOfEach(found: readonly Found[], dir: string, tool: Tool): void {
  const keyOf = ({ kind, name, version }: Found) =>
    kind === 'repeatable' ? name : version.join('.').replace(/(?:\.0)+$/, '')
  const sql = found.filter(({ path }) => isSqlFile(path))
  for (const same of Map.groupBy(sql, keyOf).values()) {
    const folders = [...new Set(same.map(({ path }) => dirname(path)))]
    if (folders.length === 1) continue
    const wanted = folders.find(folder => /postgres|pg/i.test(folder))
    const others = folders.filter(folder => folder !== wanted && folder !== '.')
    const ignored = others.map(folder => `--ignore '${folder}/**'`).join(' ')
    throw new UsageError(
      `${dir} has ${same.map(({ path }) => path).join(' and ')}, which ${tool.title} refuses in one location. ` +
        'If these folders are for several databases, leave out those of the others: ' +
        (wanted === undefined
          ? '--ignore GLOB.'
          : `${ignored}; or name the one for Postgres: --dir ${join(dir, wanted)}`),
    )
  }
}

/** A name of Flyway's form with another prefix than V, which a project may set; none is a prefix as well. */
const otherPrefix = /^(?![VUB]\d)(\D*)\d+(?:[._]\d+)*__.*\.sql$/s

/** @throws UsageError if only names with another prefix have a version. */
function checkPrefix(folders: readonly string[], found: readonly Found[], { ignore, onLeftOut }: FolderOptions): void {
  for (const folder of folders) {
    const others = filesIn(folder, { ignore, enters: isVisible }).filter(path => otherPrefix.test(baseOf(path)))
    for (const file of others.map(path => join(folder, path))) {
      const [, prefix] = otherPrefix.exec(baseOf(file))!
      const set = `sqlMigrationPrefix=${prefix}`
      const way = `If the project sets ${set}, name a folder with copies that begin with V (V1__users.sql; only names are read): --dir.`
      if (!found.some(({ layout }) => layout === 'flyway'))
        throw new UsageError(`${file} does not begin with V, without which Flyway reads no version. ${way}`)
      onLeftOut?.({ file, message: `${file} is left out: it does not begin with V. ${way}` })
    }
  }
}

function foundAs({ name, layout, version }: Named, path: string, standsIn: true | undefined): Found {
  const kind = layout === 'repeatable' || layout === 'code' ? layout : 'sql'
  return { name, layout, version, kind, path, standsIn }
}

function namedFolder(tool: Tool, folder: string, files: readonly string[]): Named | undefined {
  if (!holdsMigration(files)) return undefined
  return tool.nameFolder?.(folder) ?? readFolderName(folder)
}

function namedFile(tool: Tool, file: string): Named | undefined {
  const runs = tool.code?.some(({ pattern }) => pattern.test(file)) && !isTest(file)
  const isModule = modules[tool.name]?.test(file) && !/\.d\.[cm]?ts$/.test(file)
  // a program is named as a file of SQL is
  const asSql = runs || isModule ? file.replace(/\.[^.]+$/, '.sql') : file
  const named = tool.nameFile?.(asSql) ?? readName(asSql)
  if (named) return named.layout === 'code' ? undefined : named
  if (!anyName.has(tool.name) || !isSqlFile(file)) return undefined
  return { name: file.slice(0, -'.sql'.length), layout: 'native', direction: 'up', version: [] }
}

/** A file that stands in for all before it: of those nothing is expected. */
function withoutReplaced(keyed: readonly Keyed[]): FollowedMigration[] {
  const all = keyed.map(({ file, ...migration }) => ({ ...migration, name: file.name }))
  const at = keyed.findLastIndex(({ file }) => file.standsIn)
  if (at === -1) return all
  const { file, key } = keyed[at]!
  const older = keyed.slice(0, at).filter(one => !one.file.standsIn)
  // Flyway's has a version, which a database without it has from the file of that version
  const replaces = file.layout === 'flyway' ? [] : older.map(one => one.key)
  const isOlder = (other: Found) => file.layout === 'flyway' && compareVersions(other.version, file.version) <= 0
  const newer = keyed.slice(at + 1).filter(one => one.file.kind === 'repeatable' || !isOlder(one.file))
  return [
    { key, name: file.name, ...(replaces.length > 0 && { replaces }) },
    ...newer.map(one => ({ key: one.key, name: one.file.name })),
  ]
}
