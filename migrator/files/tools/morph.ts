// morph (Mattermost): pairs `000001_name.up.sql` and `000001_name.down.sql`, by number.

import type { Tool } from './tool.ts'

export const morph: Tool = {
  name: 'morph',
  title: 'morph',
  reads: '`000001_users.up.sql`, `000001_users.down.sql`; `-- morph:nontransactional`. By number',
  tables: ['db_migrations'],
  dialect: { words: ['morph:'], noTransaction: /^--\s*morph:nontransactional\s*$/i },
  takes: ({ layout }) => layout === 'pair' || layout === 'code',
}
