// The job for CI: doctor, and the smoke test of the gated stack.

import type { Member } from '../doctor/model/stack.ts'
import { version } from '../version.ts'

/** @param hasCheck the migrator is schemagate's, and knows the verb `check` */
export function workflow(
  files: readonly string[],
  migrator: string,
  apps: readonly Member[],
  hasCheck: boolean,
): string {
  const url = healthUrl(apps)
  return `# Written by \`schemagate init\`. Put the owner of your copy of schemagate in place of OWNER.
name: schemagate
on: [push, pull_request]
permissions:
  contents: read
  security-events: write
jobs:
  gate:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v5
      - uses: OWNER/schemagate/.github/actions/smoke@v${version.replace(/-.*/, '')}
        with:
          doctor: true
          compose-files: ${files.join(':')}
          migrator: ${migrator}
          app: ${apps.map(({ service }) => service.name).join(' ')}
          health-url: ${url ?? 'http://127.0.0.1:8000/health # where your app answers'}
          check: ${hasCheck}
`
}

/** The first port that an app publishes, and the path that its health check asks. */
function healthUrl(apps: readonly Member[]): string | undefined {
  for (const { service } of apps) {
    const port = service.ports.find(({ published }) => /^\d+$/.test(published))
    if (!port) continue
    const { healthcheck } = service
    const test = healthcheck === undefined || healthcheck === 'off' ? '' : healthcheck.test.join(' ')
    const path =
      /https?:\/\/[^/\s'"]+(\/[^\s'"),]*)/.exec(test)?.[1] ?? '/ # or the path that says that your app is well'
    return `http://127.0.0.1:${port.published}${path}`
  }
  return undefined
}
