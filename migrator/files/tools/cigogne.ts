// cigogne (Gleam): `--- migration:up`, `--- migration:down`, `--- migration:end`.

import type { Tool } from './tool.ts'

export const cigogne: Tool = {
  name: 'cigogne',
  title: 'cigogne',
  reads: '`20240101000000-users.sql` with `--- migration:up`, `--- migration:down`, `--- migration:end`. By number',
  dialect: {
    words: ['--- migration:'],
    up: /^--- migration:up()\s*$/,
    down: /^--- migration:down()\s*$/,
    end: /^--- migration:end\s*$/,
    written: ['--- migration:up', '--- migration:down'],
  },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
}
