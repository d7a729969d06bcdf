// What a file says of the migrations that come before it: `-- depends: 0001.users` (yoyo), `-- requires: users` (Sqitch).

import { basename } from 'node:path'
import type { Migration } from './migration.ts'
import { blankOrComment, headOf } from './tools/head.ts'

const dependency = /^[ \t]*--[ \t]*(?:depends|requires):[ \t]*(.*)$/gm

/** The migrations, each with a doubt that says in its first comments that it needs one that comes after it. */
export function withDependencies(sorted: readonly Migration[]): Migration[] {
  const places = new Map(sorted.map(({ name }, place) => [name, place]))
  return sorted.map((migration, place) => {
    const { up, doubt, file } = migration
    if (!up || doubt !== undefined) return migration
    const head = headOf(up.source, blankOrComment)
    const needed = [...head.matchAll(dependency)].flatMap(([, names = '']) => names.trim().split(/[\s,]+/))
    const later = needed.map(name => places.get(name.replace(/\.sql$/i, '')) ?? -1).find(other => other > place)
    if (later === undefined) return migration
    return {
      ...migration,
      doubt:
        `${file} says that it depends on ${basename(sorted[later]!.file)}, which comes after it by its number. ` +
        'Give them numbers in the order in which they are to be run; or, if the numbers are right: --layout native.',
    }
  })
}
