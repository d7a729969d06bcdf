// tern: one file, in which a line begins the down part; by number.

import type { Tool } from './tool.ts'

export const tern: Tool = {
  name: 'tern',
  title: 'tern',
  reads: '`001_users.sql` with `---- create above / drop below ----`; `---- tern: disable-tx ----`. By number',
  not: 'Go templates (`{{ }}`, also in strings) are refused',
  tables: ['schema_version'],
  dialect: {
    words: ['create above', 'disable-tx'],
    down: /^--[\s-]*create above\s*\/\s*drop below()[\s-]*$/i,
    noTransaction: /^----\s*tern:\s*disable-tx\s*----$/,
    written: ['', '---- create above / drop below ----'],
  },
  recognise: listing => listing.files.includes('tern.conf'),
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  refusesTwice: true,
  placeholders: [
    {
      pattern: /\{\{[^}\n]{0,1000}\}\}/,
      what: 'is a template of tern, which fills it in from tern.conf; schemagate does not. Write the value itself.',
    },
  ],
}
