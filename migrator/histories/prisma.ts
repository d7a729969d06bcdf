// Prisma: SHA-256 of the script, whatever its line ends.

import { prisma as tool } from '../../gate/histories/prisma.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byName, digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

export const prisma: FilesTool = {
  tool,
  keyOf: byName,
  // prisma-engines, checksum.rs: as it is, with LF, with CRLF; an old engine wrote each byte without its zero
  checksums: files =>
    eachChecksum(files, ({ bytes }) => {
      const text = bytes.toString()
      const lf = text.replaceAll('\r\n', '\n')
      const sums = [digest('sha256', bytes), digest('sha256', lf), digest('sha256', lf.replaceAll('\n', '\r\n'))]
      return [...sums, ...sums.map(sum => sum.replace(/0([0-9a-f])|([0-9a-f]{2})/g, '$1$2'))]
    }),
  // rows were written by hand in public projects: `manual`
  checksumForm: /^[0-9a-f]{32,64}$/,
  lockKeys: () => ['72707369'],
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      id: 'pg_catalog.gen_random_uuid()::text',
      checksum: quoteLiteral(checksum ?? ''),
      finished_at: 'pg_catalog.clock_timestamp()',
      migration_name: quoteLiteral(file.key),
      applied_steps_count: '1',
    }),
  removeRow: ({ table, file }) => remove(table, 'migration_name', quoteLiteral(file.key)),
}
