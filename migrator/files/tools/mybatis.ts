// MyBatis Migrations: one file, in which `-- //@UNDO` begins the down part; by number.

import type { Tool } from './tool.ts'

export const mybatis: Tool = {
  name: 'mybatis',
  title: 'MyBatis Migrations',
  reads: '`20240101000000_users.sql` with `-- //@UNDO`. By number',
  not: '`${variables}` of its environment, also in strings, are refused; `bootstrap.sql` is left out with `--layout mybatis`',
  tables: ['changelog'],
  dialect: { words: ['@undo'], down: /^--\s*\/\/\s*@UNDO()\s*$/i },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  placeholders: [
    {
      pattern: /\$\{[^}\n]{0,1000}\}/,
      what: 'is a variable of MyBatis Migrations, whose value is in its environment; schemagate does not fill it in. Write the value itself.',
    },
  ],
}
