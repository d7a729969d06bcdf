// A database that the whole network reaches.

import { databases } from '../model/checked-databases.ts'
import type { Rule } from './rule.ts'

export const portPublished: Rule = {
  id: 'port-published',
  severity: 'note',
  title: "The database's port is published on all interfaces.",
  why: 'Docker opens it past the firewall; with a password that stands in the file, it is a database for everybody.',
  fix: '`127.0.0.1:5432:5432`, or no port at all: services of the stack need none.',
  *check(stack) {
    for (const { service } of databases(stack)) {
      const at = service.ports.findIndex(
        ({ host }) => host === '' || host === '0.0.0.0' || host === '[::]' || host === '::',
      )
      if (at < 0) continue
      yield {
        service: service.name,
        path: ['ports', at],
        what: `The port of ${service.name} is published on all interfaces of the machine.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
    ports:
      - "5432:5432"
`,
    passes: `services:
  db:
    image: postgres:17
    ports:
      - "127.0.0.1:5432:5432"
`,
  },
}
