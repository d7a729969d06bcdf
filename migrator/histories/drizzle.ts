// Drizzle: SHA-256 of the file, known by the time of its journal's entry, from 1.0 on by its folder's name.

import { drizzle as tool } from '../../gate/histories/drizzle.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { digest, eachChecksum, type FilesTool, insert, remove } from './tool.ts'

interface Entry {
  readonly tag: string
  readonly when: number
}

export const drizzle: FilesTool = {
  tool,
  // from 1.0 on there is no journal, and rows have the folder's name
  keyOf({ name }, beside) {
    const entries = journal(beside)
    if (!entries) return timeOf(name) === undefined ? undefined : name
    const entry = entries.find(({ tag }) => tag === name)
    return entry && String(entry.when)
  },
  // drizzle-kit up: the folder that it makes of the file
  laterKeyOf({ name }, beside) {
    const entry = journal(beside)?.find(({ tag }) => tag === name)
    const time = new Date(entry?.when ?? Number.NaN)
    if (Number.isNaN(time.getTime())) return undefined
    return `${time.toISOString().slice(0, 19).replace(/\D/g, '')}_${name.slice(name.indexOf('_') + 1)}`
  },
  // Drizzle never compares: a run from a checkout with other line ends than this one's is the usual difference
  checksums: files =>
    eachChecksum(files, ({ bytes }) => {
      const text = bytes.toString()
      const lf = text.replaceAll('\r\n', '\n')
      return [text, lf, lf.replaceAll('\n', '\r\n')].map(one => digest('sha256', one))
    }),
  checksumForm: /^[0-9a-f]{64}$/,
  writeRow: ({ table, file, checksum }) =>
    insert(table, {
      hash: quoteLiteral(checksum ?? ''),
      created_at: timeOf(file.key) ?? file.key,
      ...(table.columns.has('name') && { name: quoteLiteral(file.migration.name) }),
    }),
  removeRow: ({ table, file }) =>
    timeOf(file.key) === undefined
      ? remove(table, 'created_at', file.key)
      : remove(table, 'name', quoteLiteral(file.key)),
}

function journal(beside: (name: string) => string | undefined): readonly Entry[] | undefined {
  const text = beside('meta/_journal.json')
  return text === undefined ? undefined : JSON.parse(text).entries
}

/** The time at the start of a folder's name, in milliseconds. */
function timeOf(name: string): string | undefined {
  const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_/.exec(name)?.slice(1).map(Number)
  return time && String(Date.UTC(time[0]!, time[1]! - 1, time[2]!, time[3]!, time[4]!, time[5]!))
}
