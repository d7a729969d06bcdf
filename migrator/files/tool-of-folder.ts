// Whose folder it is by what is in the files, and the order of its migrations.

import { UsageError } from '../errors.ts'
import type { Migration } from './migration.ts'
import { compareMigrations, compareVersions } from './order.ts'
import { dbmate } from './tools/dbmate.ts'
import { layoutNamed, presumed } from './tools/index.ts'
import { play } from './tools/play.ts'
import type { Listing, Tool } from './tools/tool.ts'

/** The tool whose marks divide the files, if it is one and no file is of a form that this tool does not look at. */
export function ofTool(migrations: readonly Migration[], listing: Listing): Tool | undefined {
  const marked = new Set(
    migrations.flatMap(({ tool, down, layout }) => (tool && (down || layout === 'native') ? [tool] : [])),
  )
  const tool = marked.size === 1 ? layoutNamed([...marked][0]!) : marked.size === 0 ? presumed(listing) : undefined
  const all = migrations.every(migration => tool?.takes?.({ ...migration, direction: 'up' }, listing) !== false)
  return all ? tool : undefined
}

interface Circumstances {
  readonly tool: Tool | undefined
  /** The operator has named it. */
  readonly told: boolean
  readonly listing: Listing
  /** `message` goes on after the file's name. */
  readonly onLeftOut: (migration: Migration, message: string) => void
}

/** The migrations in their order. @throws UsageError where the tool refuses what it finds twice. */
export function inOrder(migrations: readonly Migration[], circumstances: Circumstances): Migration[] {
  const { tool, told, listing } = circumstances
  // schemagate's marks are dbmate's: a folder with them is not thereby dbmate's
  if (tool === dbmate && !told) return withDbmatesPlaces(migrations)
  const sorted = migrations.toSorted(tool?.order?.(listing) ?? compareMigrations)
  if (tool?.refusesTwice) refuseTwice(sorted, tool)
  return tool === play ? untilGap(sorted, circumstances) : sorted
}

function refuseTwice(sorted: readonly Migration[], tool: Tool): void {
  for (const [i, one] of sorted.entries()) {
    const next = sorted[i + 1]
    if (!next || one.version.length === 0 || one.standsIn || next.standsIn) continue
    if (compareVersions(one.version, next.version) === 0)
      throw new UsageError(
        `${one.file} and ${next.file} have the same version, which ${tool.title} refuses. Give one of them another number.`,
      )
  }
}

/** Play asks for 1, 2, 3 and so on, and stops at the first that is not there. */
function untilGap(sorted: readonly Migration[], { onLeftOut }: Circumstances): Migration[] {
  const gap = sorted.findIndex(({ version }, i) => version[0] !== BigInt(i + 1))
  if (gap === -1) return [...sorted]
  for (const migration of sorted.slice(gap))
    onLeftOut(migration, `is left out, as Play does: there is no ${gap + 1}.sql before it.`)
  if (gap === 0) throw new UsageError(`${sorted[0]!.file} is not run by Play: its first file is 1.sql.`)
  return sorted.slice(0, gap)
}

/**
 * By number, and each with its place by name as text, if the two orders differ and the folder could be dbmate's: each
 * file has both of its parts. Who has applied them all in either order is not asked.
 */
function withDbmatesPlaces(migrations: readonly Migration[]): Migration[] {
  const sorted = migrations.toSorted(compareMigrations)
  if (!migrations.every(({ down, tool }) => down && tool === dbmate.name)) return sorted
  const asText = migrations.toSorted(dbmate.order!({ files: [], folders: new Map(), text: () => undefined }))
  if (asText.every((migration, i) => migration === sorted[i])) return sorted
  return sorted.map(migration => ({ ...migration, otherPlace: asText.indexOf(migration) }))
}
