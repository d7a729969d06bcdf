// Which tool a folder belongs to by the marks in its files, and the order of its migrations.

import { UsageError } from '../errors.ts'
import type { Migration } from './migration.ts'
import { compareAsText, compareMigrations, compareVersions, dottedVersion } from './order.ts'
import { diesel } from './tools/diesel.ts'
import { layoutNamed, presume } from './tools/index.ts'
import type { Listing, Tool } from './tools/tool.ts'

/** The tool whose marks divide the files, if it is one and no file is of a form that this tool does not look at. */
export function ofTool(migrations: readonly Migration[], listing: Listing): Tool | undefined {
  const marked = new Set(
    migrations.flatMap(({ tool, down, layout }) => (tool && (down || layout === 'native') ? [tool] : [])),
  )
  const tool = marked.size === 1 ? layoutNamed([...marked][0]!) : marked.size === 0 ? presume(listing) : undefined
  const all = migrations.every(migration => tool?.takes?.({ ...migration, direction: 'up' }, listing) !== false)
  return all ? tool : undefined
}

interface Circumstances {
  readonly tool: Tool | undefined
  /** The operator has named it. */
  readonly explicit: boolean
  readonly listing: Listing
  /** `message` goes on after the file's name. */
  readonly onLeftOut: (migration: Migration, message: string) => void
}

/** The migrations in their order. @throws UsageError where the tool refuses what it finds twice. */
export function inOrder(migrations: readonly Migration[], circumstances: Circumstances): Migration[] {
  const { tool, explicit, listing } = circumstances
  if (!explicit && (!tool || tool.sharesMarks)) return withOtherPlaces(migrations, tool, listing)
  const sorted = migrations.toSorted(tool?.order?.(listing) ?? compareMigrations)
  if (tool?.refusesTwice) refuseTwice(sorted, tool)
  return tool ? untilStop(sorted, tool, circumstances) : sorted
}

function refuseTwice(sorted: readonly Migration[], tool: Tool): void {
  for (const [i, one] of sorted.entries()) {
    const next = sorted[i + 1]
    if (!next || one.version.length === 0 || one.standsIn || next.standsIn) continue
    // that says what is wrong with it
    if (one.doubt !== undefined || next.doubt !== undefined) continue
    if (compareVersions(one.version, next.version) === 0)
      throw new UsageError(
        `${one.file} and ${next.file} have the same version, which ${tool.title} refuses. Give one of them another number.`,
      )
  }
}

/** Without what comes after the place where the tool stops. */
function untilStop(sorted: readonly Migration[], tool: Tool, { onLeftOut }: Circumstances): Migration[] {
  const stop = tool.stopsAt?.(sorted)
  if (!stop) return [...sorted]
  const { index, why } = stop
  if (index === 0) throw new UsageError(`${sorted[0]!.file} is not run by ${tool.title}: ${why}.`)
  for (const migration of sorted.slice(index)) onLeftOut(migration, `is left out, as ${tool.title} does: ${why}.`)
  return sorted.slice(0, index)
}

/**
 * By number, and each with its place in the order of the tool that the folder could be of, if the two differ. Which order
 * holds is decided where it matters, for pending migrations. All files with both parts could be dbmate's, and folders alone
 * Diesel's. Versions (`1.9`, `1.10`) come in another order part by part. Dates of several lengths come in another order by
 * name as text, as Supabase has it.
 */
function withOtherPlaces(migrations: readonly Migration[], tool: Tool | undefined, listing: Listing): Migration[] {
  const sorted = migrations.toSorted(compareMigrations)
  const isTools = tool && migrations.every(migration => migration.down && migration.tool === tool.name)
  const areFolders = migrations.every(({ layout }) => layout === 'folder')
  const areVersions = sorted.some(({ name }) => dottedVersion(name))
  const unclear = isTools || areFolders || areVersions ? sorted : sorted.filter(isDated)
  const order = isTools ? tool.order?.(listing) : areVersions ? byVersion : areFolders && diesel.order?.(listing)
  const other = unclear.toSorted(order || compareAsText)
  if (other.every((migration, i) => migration === unclear[i])) return sorted
  return sorted.map(migration => {
    const otherPlace = other.indexOf(migration)
    return otherPlace === -1 ? migration : { ...migration, otherPlace }
  })
}

function byVersion(a: Migration, b: Migration): number {
  const versionOf = ({ name, version }: Migration) => dottedVersion(name) ?? version
  const isLast = Number(a.kind === 'repeatable') - Number(b.kind === 'repeatable')
  return isLast || compareVersions(versionOf(a), versionOf(b)) || compareMigrations(a, b)
}

/** A day, perhaps with its time, or the seconds or milliseconds since 1970. */
const date = /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,9}|1\d{9}|1\d{12})(?!\d)/

/** Pairs and versions are ordered by number whatever tool they are for. */
function isDated({ name, layout }: Migration): boolean {
  return (layout === 'native' || layout === 'folder' || layout === 'code') && date.test(name)
}
