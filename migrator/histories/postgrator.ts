// postgrator: MD5 of a file, perhaps with other line ends.

import { postgrator as tool } from '../../gate/histories/postgrator.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, digest, eachChecksum, type FilesTool, insert, remove, type ToolFile } from './tool.ts'

export const postgrator: FilesTool = {
  tool,
  keyOf: byNumber,
  // lib/utils.js: its setting `newline` makes all line ends the same before it hashes
  checksums: files =>
    eachChecksum(files, ({ bytes }) => {
      const text = bytes.toString()
      return [text, ...['\n', '\r\n', '\r'].map(end => text.replace(/\r\n|\r|\n/g, end))].map(one => digest('md5', one))
    }),
  checksumForm: /^[0-9a-f]{32}$/,
  // older releases stored that of the SQL that a module generates
  coversMore: ({ migration }) => migration.kind === 'code',
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      version: file.key,
      name: quoteLiteral(nameOf(file)),
      md5: quoteLiteral(checksum ?? ''),
      run_at: 'pg_catalog.clock_timestamp()',
    }),
  removeRow: ({ table, file }) => remove(table, 'version', file.key),
}

/** `001.do.users.sql` is `users`. */
function nameOf({ base }: ToolFile): string {
  return base.replace(/^\d+\.do\.?/, '').replace(/\.?sql$/, '')
}
