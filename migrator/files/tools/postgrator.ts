// postgrator: `001.do.name.sql` and `001.undo.name.sql`, by number.

import { unwritten } from '../unwritten.ts'
import type { Tool } from './tool.ts'

const form = /^(\d+)\.(do|undo)(?:\..*)?\.sql$/s

export const postgrator: Tool = {
  name: 'postgrator',
  title: 'postgrator',
  reads: '`001.do.users.sql`, `001.undo.users.sql`. By number',
  not: 'its JavaScript migrations (`generateSql`) are refused by name; one version twice is refused',
  module: /\bgenerateSql\b/,
  tables: ['schemaversion'],
  refusesTwice: true,
  recognise: listing => listing.files.some(name => form.test(name)),
  nameFile(fileName) {
    const [, number, action] = form.exec(fileName) ?? []
    if (!number) return undefined
    const name = fileName.slice(0, -'.sql'.length)
    return { name, layout: 'pair', direction: action === 'do' ? 'up' : 'down', version: [BigInt(number)] }
  },
  takes: ({ layout }) => layout === 'pair' || layout === 'code',
  newFiles: (number, slug) => ({
    [`${number}.do.${slug}.sql`]: `${unwritten}\n`,
    [`${number}.undo.${slug}.sql`]: `${unwritten}\n`,
  }),
}
