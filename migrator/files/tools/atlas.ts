// Atlas: `.sql` files by name as text; a checkpoint stands in for what is older.

import { compareAsText } from '../order.ts'
import type { Tool } from './tool.ts'

/** The comment lines at the top, if a blank line parts them from what follows: only then they concern the whole file. */
function directives(source: string): string[] {
  const head = /^(?:(?:--|#)[^\n]*(?:\n|$))*/.exec(source)?.[0] ?? ''
  return /^(?:\r?\n|$)/.test(source.slice(head.length, head.length + 2)) ? head.split('\n') : []
}

export const atlas: Tool = {
  name: 'atlas',
  title: 'Atlas',
  reads:
    '`20240101000000_users.sql` beside `atlas.sum`; `-- atlas:txmode none`; `-- atlas:checkpoint` on an empty ledger. By name as text',
  not: '`-- atlas:txtar` is refused',
  tables: ['atlas_schema_revisions'],
  dialect: { words: ['atlas:'], noTransaction: /^--\s*atlas:txmode\s+none\s*$/i },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  order: () => compareAsText,
  standsIn: source => directives(source).some(line => /^(?:--|#)\s*atlas:checkpoint\b/.test(line.trim())),
  contents: [
    {
      pattern: /^\s*--[ \t]*atlas:txtar\b/,
      what: 'holds several files of Atlas (`-- atlas:txtar`), also what undoes it, and Atlas alone takes them apart. Leave only what stands under `-- migration.sql --`.',
    },
  ],
}
