// sqlx: SHA-384 of the file's bytes.

import { sqlx as tool } from '../../gate/histories/sqlx.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, crcOf, digest, eachChecksum, type FilesTool, insert, remove, words } from './tool.ts'

const salt = 0x3d32ad9en
const carriageReturn = 13

export const sqlx: FilesTool = {
  tool,
  keyOf: byNumber,
  // a project may have sqlx leave characters out, the carriage return most of all
  checksums: files =>
    eachChecksum(files, ({ bytes }) => [
      digest('sha384', bytes),
      digest('sha384', Buffer.from(bytes.filter(byte => byte !== carriageReturn))),
    ]),
  lockKeys: (_, database) => [(salt * BigInt(crcOf(database))).toString()],
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      version: file.key,
      description: quoteLiteral(words(file).replaceAll('_', ' ')),
      success: 'true',
      checksum: `pg_catalog.decode(${quoteLiteral(checksum ?? '')}, 'hex')`,
      execution_time: '0',
    }),
  removeRow: ({ table, file }) => remove(table, 'version', file.key),
}
