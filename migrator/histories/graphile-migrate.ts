// graphile-migrate: SHA-1 of a file's body and the hash before it.

import { graphileMigrate as tool } from '../../gate/histories/graphile-migrate.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byNumber, digest, eachChecksum, type FilesTool, insert, remove, type ToolFile } from './tool.ts'

export const graphileMigrate: FilesTool = {
  tool,
  keyOf: byNumber,
  // dist/hash.js; the header ends with its first blank line
  checksums: files =>
    eachChecksum(files, file => {
      const body = file.text.slice(file.text.indexOf('\n\n') + 2)
      return [`sha1:${digest('sha1', `${`${header(file, 'Previous') ?? ''}\n${body.trim()}`.trim()}\n`)}`]
    }),
  writeRow({ table, file, checksum }) {
    const previous = header(file, 'Previous')
    return insert(table, {
      hash: quoteLiteral(checksum ?? ''),
      previous_hash: previous === undefined ? 'null' : quoteLiteral(previous),
      filename: quoteLiteral(`${/^\d+/.exec(file.base)?.[0]}.sql`),
    })
  },
  removeRow: ({ table, checksum }) => remove(table, 'hash', quoteLiteral(checksum ?? '')),
}

function header({ text }: ToolFile, name: string): string | undefined {
  const value = new RegExp(`^--! ${name}: (.+)$`, 'm').exec(text)?.[1]?.trim()
  return value === '-' ? undefined : value
}
