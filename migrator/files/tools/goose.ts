// goose, and micrate, which has the same form in Crystal: `-- +goose Up`, `-- +goose Down`, by number.

import type { Dialect, Tool } from './tool.ts'

const marks = (word: string): Dialect => ({
  words: [`+${word}`],
  up: new RegExp(`^--\\s*\\+${word}\\s+up\\b(.*)$`, 'i'),
  down: new RegExp(`^--\\s*\\+${word}\\s+down\\b(.*)$`, 'i'),
  noTransaction: new RegExp(`^--\\s*\\+${word}\\s+no\\s+transaction\\s*$`, 'i'),
  written: [`-- +${word} Up`, `-- +${word} Down`],
})

export const goose: Tool = {
  name: 'goose',
  title: 'goose',
  reads: '`00001_users.sql` with `-- +goose Up`, `-- +goose Down`, `-- +goose NO TRANSACTION`. By number',
  not: 'migrations in Go (`00002_fill.go`) and `-- +goose ENVSUB ON` are refused',
  tables: ['goose_db_version'],
  dialect: marks('goose'),
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  contents: [
    {
      isIn: source => /^[ \t]*--[ \t]*\+goose[ \t]+envsub(?:st)?[ \t]+on\b/im.test(source),
      what: 'has `-- +goose ENVSUB ON`, and schemagate does not fill in variables. Write the values themselves.',
    },
  ],
  code: [{ pattern: /^\d+_.*\.go$/s }],
}

export const micrate: Tool = {
  name: 'micrate',
  title: 'micrate',
  reads: '`20240101000000_users.sql` with `-- +micrate Up`, `-- +micrate Down`. By number',
  tables: ['micrate_db_version'],
  dialect: marks('micrate'),
  takes: ({ layout }) => layout === 'native' || layout === 'code',
}
