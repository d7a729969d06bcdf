// Play: SHA-1 of the two parts of an evolution.

import { play as tool } from '../../gate/histories/play.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import type { SqlPart } from '../files/migration.ts'
import { byNumber, digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

export const play: FilesTool = {
  tool,
  keyOf: byNumber,
  // Evolution.hash
  checksums: files => eachChecksum(files, ({ migration: { up, down } }) => [digest('sha1', textOf(down) + textOf(up))]),
  checksumForm: /^[0-9a-f]{40}$/,
  writeRow: ({ table, file: { key, migration }, checksum }) =>
    insert(table, {
      id: key,
      hash: quoteLiteral(checksum ?? ''),
      applied_at: 'pg_catalog.clock_timestamp()',
      apply_script: quoteLiteral(textOf(migration.up)),
      revert_script: quoteLiteral(textOf(migration.down)),
      state: "'applied'",
      last_problem: "''",
    }),
  removeRow: ({ table, file }) => remove(table, 'id', file.key),
}

function textOf(part: SqlPart | undefined): string {
  if (!part) return ''
  const text = part.source.slice(part.start, part.end)
  // the mark's own line, where the part begins with it
  return text.replace(/^(?:#|--)[^\n]*!(?:Ups|Downs)[^\n]*\n/, '').trim()
}
