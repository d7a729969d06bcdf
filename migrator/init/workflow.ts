// The job for CI: doctor, and the smoke test of the gated stack.

import { replaceVariables } from '../doctor/compose/interpolate.ts'
import type { Compose } from '../doctor/compose/load.ts'
import type { Member } from '../doctor/model/member.ts'
import { version } from '../version.ts'

/** @param isOurs the migrator is schemagate's: its image is in no registry, and it knows the verb `check` */
export function workflow(
  { written }: Compose,
  files: readonly string[],
  migrator: string,
  apps: readonly Member[],
  isOurs: boolean,
): string {
  const url = healthUrl(apps)
  const release = version.replace(/-.*/, '')
  const asked = variablesWithoutDefault(written)
  const env = asked.map(name => `      ${name}: \${{ secrets.${name} }}\n`).join('')
  const image = `      - run: npm install --prefix "$RUNNER_TEMP" schemagate@${release} && docker build --tag schemagate-migrator "$RUNNER_TEMP/node_modules/schemagate"\n`
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
${env && `    # what the compose files ask for and have no default of\n    env:\n${env}`}    steps:
      - uses: actions/checkout@v7
      - uses: actions/setup-node@v7 # for doctor
        with:
          node-version: 24
${isOurs ? image : ''}      - uses: OWNER/schemagate/.github/actions/smoke@v${release}
        with:
          doctor: true
          compose-files: ${files.join(':')}
          migrator: ${migrator}
          app: ${apps.map(({ service }) => service.name).join(' ')}
          health-url: ${url ?? 'http://127.0.0.1:8000/health # where your app answers'}
          check: ${isOurs}
`
}

/** What a checkout without .env, as CI has it, leaves empty. */
function variablesWithoutDefault(written: Compose['written']): string[] {
  const names = new Set<string>()
  replaceVariables(JSON.stringify(written), (_, name, rest) => {
    if (!/^:?[-+]/.test(rest)) names.add(name)
    return ''
  })
  names.delete('COMPOSE_PROJECT_NAME')
  return [...names].sort()
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
