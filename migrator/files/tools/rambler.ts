// rambler: `-- rambler up` and `-- rambler down`, by name as text.

import { compareAsText } from '../order.ts'
import type { Tool } from './tool.ts'

export const rambler: Tool = {
  name: 'rambler',
  title: 'rambler',
  reads: '`01_users.sql` with `-- rambler up`, `-- rambler down`. By name as text',
  not: 'several parts of one direction are refused',
  tables: ['migrations'],
  dialect: {
    words: ['rambler'],
    up: /^--\s*rambler\s+up()\s*$/i,
    down: /^--\s*rambler\s+down()\s*$/i,
    written: ['-- rambler up', '-- rambler down'],
  },
  takes: ({ layout }) => layout === 'native' || layout === 'code',
  order: () => compareAsText,
}
