// refinery: Flyway's names, in Rust. A `U` file undoes nothing: it is a migration that may come out of order.

import { readName } from '../layouts.ts'
import type { Tool } from './tool.ts'

export const refinery: Tool = {
  name: 'refinery',
  title: 'refinery',
  reads: '`V1__users.sql`, and with `--layout refinery` `U1__users.sql` as a migration. By number',
  not: 'migrations in Rust (`V1__users.rs`) and one version twice are refused',
  tables: ['refinery_schema_history'],
  recursive: /^[VU].*__.*\.sql$/s,
  leavesStrays: true,
  slips: /^[VUB]\d/i,
  refusesTwice: true,
  nameFile(fileName) {
    const named = fileName.startsWith('U') ? readName(fileName) : undefined
    return named?.layout === 'flyway'
      ? { ...named, name: fileName.slice(0, -'.sql'.length), direction: 'up' }
      : undefined
  },
  takes: ({ layout }) => layout === 'flyway' || layout === 'code',
  code: [{ pattern: /^[VU]\d+(?:\.\d+)?__.*\.rs$/s }],
}
