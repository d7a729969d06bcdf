// node-pg-migrate: `-- Up Migration` and `-- Down Migration`, in either order, by the time that the number stands for.

import { compareNames, compareVersions } from '../order.ts'
import type { Compare, Ordered, Tool } from './tool.ts'

/** A number of 17 digits is a date written out (UTC), and the same as the milliseconds that others give. */
function time({ version }: Ordered): bigint {
  const [number = 0n] = version
  const [, date, hours, minutes, seconds, ms] = /^(\d{8})(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(String(number)) ?? []
  if (!date) return number
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)]
  const at = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${ms}Z`)
  return Number.isNaN(at) ? number : BigInt(at)
}

const byTime: Compare = (a, b) => compareVersions([time(a)], [time(b)]) || compareNames(a.name, b.name)

// it takes whatever begins so for a mark
const looseUp = /^--[\s-]*up\s+migration()/i
const looseDown = /^--[\s-]*down\s+migration()/i
const anyLine = ({ source }: RegExp): RegExp => new RegExp(source.replace('^', '^[ \\t]*'), 'im')

export const nodePgMigrate: Tool = {
  name: 'node-pg-migrate',
  title: 'node-pg-migrate',
  reads:
    '`1700000000000_users.sql` with `-- Up Migration`, `-- Down Migration` in either order, also with more words behind. By time: 17 digits are a date, any other number is milliseconds',
  not: 'its JavaScript and TypeScript migrations (`pgm`) are refused by name',
  module: /\bpgm\b|\bMigrationBuilder\b/,
  tables: ['pgmigrations'],
  dialect: {
    words: ['migration'],
    up: /^--[\s-]*up\s+migration()\s*$/i,
    down: /^--[\s-]*down\s+migration()\s*$/i,
    loose: {
      up: looseUp,
      down: looseDown,
      in: (fileName, source) =>
        /^(?:\d{13}|\d{17})[_-]/.test(fileName) || (anyLine(looseUp).test(source) && anyLine(looseDown).test(source)),
    },
    eitherOrder: true,
    written: ['-- Up Migration', '-- Down Migration'],
  },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  order: () => byTime,
}
