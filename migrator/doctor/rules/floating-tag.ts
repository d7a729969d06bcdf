// An image that is another one tomorrow.

import type { Rule } from './rule.ts'

export const floatingTag: Rule = {
  id: 'floating-tag',
  severity: 'note',
  title: 'App, migrator or Postgres at `latest`, `nightly`, or without a tag.',
  why: 'App and migrator of two releases; and `postgres:latest` takes the next major on `pull`, which does not start on the old volume.',
  fix: 'A version, the same for app and migrator.',
  *check(stack) {
    for (const { service, role } of stack.members.values()) {
      const { image, build, name } = service
      if (!image || build || image.hasDigest || (role !== 'app' && role !== 'migrator' && role !== 'database')) continue
      if (image.text.trim() === '' || /^\$\{[^}]*\}$/.test(image.text)) continue
      if (!/^(|latest|nightly|edge|main|master|dev|develop|canary)$/.test(image.tag)) continue
      yield {
        service: name,
        path: ['image'],
        what: `${name} takes ${image.text}, ${image.tag === '' ? 'without a tag' : 'a tag that moves'}.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:latest
`,
    passes: `services:
  db:
    image: postgres:17.4
`,
  },
}
