// Drizzle: SHA-256 of the file, known by the time of its journal's entry.

import { drizzle as tool } from '../../gate/histories/drizzle.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

export const drizzle: FilesTool = {
  tool,
  // from 1.0 on the folder's name starts with the time, to the second
  keyOf({ name }, beside) {
    const journal = beside('meta/_journal.json')
    if (journal === undefined) {
      const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name)?.slice(1).map(Number)
      return time && String(Date.UTC(time[0]!, time[1]! - 1, time[2]!, time[3]!, time[4]!, time[5]!))
    }
    const { entries }: { entries: readonly { tag: string; when: number }[] } = JSON.parse(journal)
    const entry = entries.find(({ tag }) => tag === name)
    return entry && String(entry.when)
  },
  checksums: files => eachChecksum(files, ({ bytes }) => [digest('sha256', bytes.toString())]),
  checksumForm: /^[0-9a-f]{64}$/,
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      hash: quoteLiteral(checksum ?? ''),
      created_at: file.key,
      ...(table.columns.has('name') && { name: quoteLiteral(file.migration.name) }),
    }),
  removeRow: ({ table, file }) => remove(table, 'created_at', file.key),
}
