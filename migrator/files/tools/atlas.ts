// Atlas: `.sql` files by name as text; a checkpoint replaces what is older on an empty database.

import { compareAsText } from '../order.ts'
import { headOf } from './head.ts'
import type { Tool } from './tool.ts'

const comment = /(?:--|#)[^\n]*(?:\n|$)/y

/** The comment lines at the top, if a blank line follows them: only then do they concern the whole file. */
function directives(source: string): string[] {
  const head = headOf(source, comment)
  return /^(?:\r?\n|$)/.test(source.slice(head.length, head.length + 2)) ? head.split('\n') : []
}

const isCheckpoint = (source: string): boolean =>
  directives(source).some(line => /^(?:--|#)\s*atlas:checkpoint\b/.test(line.trim()))

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
  presume: listing => listing.files.includes('atlas.sum'),
  ownsFile: isCheckpoint,
  standsIn: isCheckpoint,
  contents: [
    {
      isIn: source => /^\s*--[ \t]*atlas:txtar\b/.test(source),
      what: 'holds several files of Atlas (`-- atlas:txtar`), and only Atlas takes them apart. Leave only what is under `-- migration.sql --`.',
    },
  ],
}
