// A line that Compose has not read for years.

import { serversOf } from '../model/gating.ts'
import type { Rule } from './rule.ts'

export const obsoleteVersion: Rule = {
  id: 'obsolete-version',
  severity: 'note',
  title: '`version:` at the top of the file.',
  why: 'Compose warns of it at every call.',
  fix: 'Take the line out. `docker stack deploy` still wants it.',
  *check(stack) {
    if (stack.isSwarm || serversOf(stack).length === 0 || !stack.compose.places.top('version')) return
    yield { service: undefined, top: 'version', what: 'Compose no longer reads `version:`, and says so at every call.' }
  },
  examples: {
    violates: `version: "3.8"
services:
  db:
    image: postgres:17
`,
    passes: `x-version: "3.8"
services:
  db:
    image: postgres:17
`,
  },
}
