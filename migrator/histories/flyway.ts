// Flyway: CRC-32 of a file's lines, rows by rank.

import { flyway as tool } from '../../gate/histories/flyway.ts'
import { versionKey } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { crcOf, eachChecksum, type FilesTool, insert, remove, type ToolFile } from './tool.ts'

/** https://github.com/flyway/flyway, PostgreSQLAdvisoryLockTemplate: "Flyway" as bytes. */
const lockNumber = 77431708279161n

export const flyway: FilesTool = {
  tool,
  keyOf: ({ kind, name, version }) =>
    kind === 'repeatable' ? `R__${description(name)}` : version.length > 0 ? versionKey(version.join('.')) : undefined,
  // ChecksumCalculator: each line without its end, and nothing between them; so a change of line breaks does not count
  checksums: files => eachChecksum(files, ({ text }) => [String(crcOf(text.split(/\r\n|\r|\n/).join('')) | 0)]),
  checksumForm: /^-?\d+$/,
  coversMore: ({ base, beside }) => beside(`${base}.conf`) !== undefined,
  lockKeys: ({ schema, table }) => [(lockNumber + BigInt(javaHash(`"${schema}"."${table}"`))).toString()],
  writeRow({ table, file, checksum }) {
    const s = quotedTable(table)
    const row = {
      installed_rank: `(select coalesce(pg_catalog.max(installed_rank), 0) + 1 from ${s})`,
      version: file.migration.kind === 'repeatable' ? 'null' : quoteLiteral(versionOf(file)),
      description: quoteLiteral(description(file.migration.name)),
      type: "'SQL'",
      script: quoteLiteral(file.base),
      checksum: checksum ?? 'null',
      installed_by: 'current_user',
      execution_time: '0',
      success: 'true',
    }
    return insert(table, row)
  },
  removeRow: ({ table, file }) => remove(table, 'version', quoteLiteral(versionOf(file))),
}

/** `V1_27__escape_fulltext` is 1.27, as Flyway stores it. */
function versionOf({ migration }: ToolFile): string {
  return migration.name.slice(1, migration.name.indexOf('__')).replaceAll('_', '.')
}

function description(name: string): string {
  return name.slice(name.indexOf('__') + 2).replaceAll('_', ' ')
}

/** String.hashCode() of Java. */
function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}
