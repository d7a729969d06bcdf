// postgres-migrations: SHA-1 of a file's name and text.

import { postgresMigrations as tool } from '../../gate/histories/postgres-migrations.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

export const postgresMigrations: FilesTool = {
  tool,
  keyOf: byNumber,
  checksums: files => eachChecksum(files, ({ base, bytes }) => [digest('sha1', base + bytes.toString())]),
  checksumForm: /^[0-9a-f]{40}$/,
  // of a module it is that of the SQL that it generates
  coversMore: ({ migration }) => migration.kind === 'code',
  lockKeys: () => ['-8525285245963000605'],
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      id: file.key,
      name: quoteLiteral(file.migration.name.replace(/^\d+[-_]?/, '')),
      hash: quoteLiteral(checksum ?? ''),
    }),
  removeRow: ({ table, file }) => remove(table, 'id', file.key),
}
