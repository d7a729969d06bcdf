// Play's evolutions: `1.sql` with `# --- !Ups` and `# --- !Downs`; `;;` stands for a `;` that ends no statement.

import type { Tool } from './tool.ts'

export const play: Tool = {
  name: 'play',
  title: 'Play evolutions',
  reads: '`1.sql` with `# --- !Ups` and `# --- !Downs` (or `-- !Ups`), several of each; `;;`. By number',
  not: 'what comes after a gap in the numbers is left out with a warning, as Play never gets there; `$evolutions{{{...}}}` is refused',
  tables: ['play_evolutions'],
  dialect: {
    words: ['!Ups', '!Downs'],
    up: /^(?:#|--).*!Ups()/,
    down: /^(?:#|--).*!Downs()/,
    repeats: true,
    eitherOrder: true,
    written: ['-- !Ups', '-- !Downs'],
  },
  takes: ({ layout, name }) => (layout === 'native' && /^\d+$/.test(name)) || layout === 'code',
  refusesTwice: true,
  stopsAt(sorted) {
    const index = sorted.findIndex(({ version }, i) => version[0] !== BigInt(i + 1))
    return index === -1 ? undefined : { index, why: `there is no ${index + 1}.sql before it` }
  },
  translate: source => source.replaceAll(';;', ';'),
  placeholders: [
    {
      pattern: /\$evolutions\{\{\{[^}\n]{0,1000}\}\}\}/,
      what: "is a placeholder of Play's evolutions, whose value is in application.conf; schemagate does not fill it in. Write the value itself.",
    },
  ],
}
