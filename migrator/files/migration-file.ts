// Reads one migration file: what the ledger knows it by; then its parts, its marks, and whether its meaning is in doubt.

import { placeAt } from '../sql/excerpt.ts'
import { checksum } from './checksum.ts'
import type { Named } from './file-name.ts'
import { downMarks, looseDownMarks, type MarkedParts, readDownMarks, readMarks, readParts } from './marks.ts'
import type { Migration, SqlPart } from './migration.ts'
import { endStatementsOfAnyTool } from './separators.ts'
import { readText, textOf } from './text.ts'
import { ownerOf } from './tools/index.ts'
import type { Tool } from './tools/tool.ts'
import { findUnknownDownMark } from './unknown-down-marks.ts'
import { refuseUnsupported } from './unsupported.ts'

/** What the folder says about a file in it. */
export interface FileSetting {
  readonly tool: Tool | undefined
  /** False: a setting beside the file says so. */
  inTransaction(): boolean
  /** Why the tool may not run it, if a setting beside the file says so: goes on after its name. */
  open(): string | undefined
}

/** The file of an up half, as far as the ledger knows it. */
export interface UpFile {
  readonly name: string
  readonly checksum: string
  readonly named: Named
  readonly file: string
  readonly text: string
  readonly setting: FileSetting
}

/**
 * Reads the file of an up half.
 * @param read what was read of it before, if it was.
 * @throws UsageError
 */
export function readUp(named: Named, file: string, setting: FileSetting, read?: string): UpFile {
  const text = read === undefined ? readText(file) : textOf(file, read)
  return { name: named.name, checksum: checksum(text), named, file, text, setting }
}

/** What the file says, with its down half if that is in it. @throws UsageError */
export function understand({ named, file, text, setting, ...up }: UpFile): Migration {
  refuseUnsupported(file, text)
  const owner = ownerOf(text) ?? setting.tool
  const kind: Migration['kind'] =
    named.layout === 'code' ? 'code' : named.layout === 'repeatable' ? 'repeatable' : 'sql'
  const common = {
    name: up.name,
    kind,
    layout: named.layout,
    version: named.version,
    file,
    checksum: up.checksum,
    ...((named.standsIn || owner?.standsIn?.(text)) && { standsIn: true as const }),
  }
  if (kind === 'code') return { ...common, marks: readMarks(file, text) }

  let source = endStatementsOfAnyTool(setting.tool?.translate?.(text) ?? text)
  let parts = readParts(file, source)
  const own = parts.tool ?? owner
  if (own?.translate && own !== setting.tool) {
    source = own.translate(source)
    parts = readParts(file, source)
  }
  const toPart = ({ marks, ...part }: MarkedParts['up']): SqlPart => ({
    file,
    source,
    ...(own && { tool: own.name }),
    ...part,
    marks: setting.inTransaction() ? marks : { ...marks, transaction: false },
  })
  const upPart = toPart(parts.up)
  const open = setting.open()
  const doubt = open === undefined ? doubtOf(file, source, parts, named) : `${file} ${open}`
  return {
    ...common,
    ...(own && { tool: own.name }),
    ...(doubt && { doubt }),
    marks: upPart.marks,
    up: upPart,
    ...(parts.down && { down: toPart(parts.down) }),
  }
}

/** A file for one direction; its marks count, and do not divide it. */
export function wholeFile(file: string): SqlPart {
  const source = readText(file)
  return { file, source, start: 0, end: source.length, marks: readDownMarks(file, source) }
}

/** The error for a heading of a down part that is no known mark: the SQL below it would be run, too. */
function doubtOf(file: string, source: string, parts: MarkedParts, { layout }: Named): string | undefined {
  if (parts.down) return undefined
  const { start, end } = parts.up
  const lone = findUnknownDownMark(source, start, end, [...downMarks, ...(layout === 'native' ? looseDownMarks : [])])
  if (!lone) return undefined
  const { line } = placeAt(file, source, lone.offset)
  return (
    `${file}, line ${line}: \`${lone.text}\` looks like the beginning of a part that undoes this migration, in a form that schemagate does not know; ` +
    'the SQL below it would be run right after what it undoes. Write `-- migrate:up` and `-- migrate:down` over the two parts, or move that part ' +
    'to a separate file (0001_users.up.sql, 0001_users.down.sql); if it is only a comment, reword it.'
  )
}
