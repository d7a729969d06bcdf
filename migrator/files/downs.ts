// Puts files that undo a migration beside it: by its name, or by the number that the two share.

import { basename } from 'node:path'
import { UsageError } from '../errors.ts'
import type { DownFile, Entries, LeftOut } from './entries.ts'
import type { Named } from './file-name.ts'
import type { Migration } from './migration.ts'
import { wholeFile } from './migration-file.ts'
import { compareVersions } from './order.ts'

/**
 * Migrations by name, each with the down half that is a file of its own. One without its up half is left out.
 * @throws UsageError on two down halves of one migration, and where it is unclear whose one is.
 */
export function withDowns(
  migrations: readonly Migration[],
  { downs, innerDowns }: Entries,
  onLeftOut: (leftOut: LeftOut) => void,
): ReadonlyMap<string, Migration> {
  const byName = new Map(migrations.map(migration => [migration.name, migration]))
  for (const [name, file] of innerDowns) byName.set(name, { ...byName.get(name)!, down: wholeFile(file) })
  for (const { named, file } of downs.values()) {
    const up = byName.get(named.name) ?? ofSameVersion(named, byName, downs)
    if (!up) {
      refuseUnclear(named, file, byName)
      onLeftOut({
        file,
        message: `${file} is left out: it undoes ${named.name}, whose up file is missing. Restore that, or remove this one.`,
      })
      continue
    }
    if (up.down) throw new UsageError(`${up.file} has a down part, and ${file} is another one. Remove one of them.`)
    byName.set(up.name, { ...up, down: wholeFile(file) })
  }
  return byName
}

/** If another migration has the same number, the file may belong to that one: leaving it out would be a guess. */
function refuseUnclear({ name, version }: Named, file: string, migrations: ReadonlyMap<string, Migration>): void {
  const other = [...migrations.values()].find(m => compareVersions(m.version, version) === 0)
  if (other)
    throw new UsageError(
      `${file} has no up file beside it: the up half of ${name} is missing, and ${other.file} has the same number. Rename or remove it; or leave it out: --ignore '${basename(file)}'`,
    )
}

/** Flyway and golang-migrate match up and down files by number alone. */
function ofSameVersion(
  down: Named,
  migrations: ReadonlyMap<string, Migration>,
  downs: ReadonlyMap<string, DownFile>,
): Migration | undefined {
  const same = [...migrations.values()].filter(
    ({ layout, version, standsIn }) =>
      layout === down.layout && !standsIn && compareVersions(version, down.version) === 0,
  )
  if (down.layout === 'flyway') return same[0]
  // with several of one number, or one that has a down file of its name, it would be a guess
  return same.length === 1 && !downs.has(same[0]!.name) ? same[0] : undefined
}
