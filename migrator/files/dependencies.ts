// What a file says of the migrations that come before it: `-- depends: 0001.users` (yoyo), `-- requires: users` (Sqitch), and
// what stands beside it in its folder: `parents` in metadata.yaml (Sourcegraph), `dependencies` in migration.ini (nomad).

import { basename, dirname, join } from 'node:path'
import type { Migration } from './migration.ts'
import { blankOrComment, headOf } from './tools/head.ts'
import type { Listing } from './tools/tool.ts'

const dependency = /^[ \t]*--[ \t]*(?:depends|requires):[ \t]*(.*)$/gm

/** By the name of the file beside it. The first group is the list, on one line or on several. */
const beside: Readonly<Record<string, RegExp>> = {
  'metadata.yaml': /^parents?[ \t]*:((?:[ \t]*\[[^\]]*\])|(?:\s*-[ \t]*\d+)+|[ \t]*\d+)/m,
  'migration.ini': /^dependencies[ \t]*[=:](.*(?:\n[ \t]+\S.*)*)/m,
}

/** The migrations, each with a doubt that says that it needs one that comes after it. */
export function withDependencies(sorted: readonly Migration[], listing: Listing): Migration[] {
  const places = new Map(sorted.map(({ name }, place) => [name, place]))
  // Sourcegraph names a folder by its number alone
  const placeOf = (name: string): number =>
    places.get(name) ?? (/^\d+$/.test(name) ? sorted.findIndex(({ version: [first] }) => first === BigInt(name)) : -1)
  return sorted.map((migration, place) => {
    const { up, doubt } = migration
    if (!up || doubt !== undefined) return migration
    for (const { file, names } of [inHead(migration.file, up.source), ...besideOf(migration, listing)]) {
      const later = names.map(name => placeOf(name.replace(/\.sql$/i, ''))).find(other => other > place)
      if (later === undefined) continue
      const other = sorted[later]!
      return {
        ...migration,
        doubt:
          `${file} says that it depends on ${other.layout === 'folder' ? other.name : basename(other.file)}, which comes after it by its number. ` +
          'Give them numbers in the order in which they are to be run; or, if the numbers are right: --layout native.',
      }
    }
    return migration
  })
}

interface Needed {
  /** The file that says so. */
  readonly file: string
  readonly names: readonly string[]
}

function inHead(file: string, source: string): Needed {
  const head = headOf(source, blankOrComment)
  return { file, names: [...head.matchAll(dependency)].flatMap(([, names = '']) => names.trim().split(/[\s,]+/)) }
}

function besideOf({ layout, file }: Migration, listing: Listing): Needed[] {
  if (layout !== 'folder') return []
  const folder = basename(dirname(file))
  const there = (listing.folders.get(folder) ?? []).filter(name => Object.hasOwn(beside, name))
  return there.map(name => {
    const [, list = ''] = beside[name]!.exec(listing.text(`${folder}/${name}`) ?? '') ?? []
    return { file: join(dirname(file), name), names: list.split(/[\s,[\]]+|-[ \t]+/).filter(Boolean) }
  })
}
