// The projects of examples/: doctor finds the mistake in each as it was before, and no error with its overlay.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { root } from '../../../scripts/lib/root.ts'
import { folder } from '../../helpers/migrations.ts'

async function errorsIn(example: string, files: readonly string[]): Promise<string[]> {
  const cwd = join(root, 'examples', example)
  const { findings } = await diagnose(files, { cwd, env: {}, docker: false })
  return findings.filter(({ severity }) => severity === 'error').map(({ rule, service }) => `${rule.id} ${service}`)
}

test.for(['README.md', 'docs/follow.md', 'docs/production.md'])(
  '%s shows services in which no error is found',
  async page => {
    const [, services = ''] = /^```yaml\n(services:\n.*?)^```/ms.exec(readFileSync(join(root, page), 'utf8')) ?? []
    const postgres =
      '  postgres:\n    image: postgres:17\n    healthcheck: { test: ["CMD-SHELL", "psql -h 127.0.0.1 -c \'select 1\'"] }\n'
    const cwd = await folder({ 'compose.yml': /^ {2}postgres:$/m.test(services) ? services : services + postgres })
    const { findings } = await diagnose([], { cwd, env: {}, docker: false })
    const wrong = findings.filter(({ rule, severity }) => severity === 'error' || rule.id === 'no-migration-seen')
    expect(wrong.map(({ rule }) => rule.id)).toEqual([])
  },
)

describe.for([
  ['fastapi-alembic', 'migrator-by-hand api'],
  ['django', 'chain-ignores-failure web'],
  ['prisma', 'migrator-by-hand migrate'],
  ['goose', 'one-shot-short-form api'],
  ['golang-migrate', 'ungated-client api'],
  ['flyway', 'sibling-ungated reports'],
] as const)('the example %s', ([example, mistake]) => {
  test('has the mistake that its README names, and with the overlay none', async () => {
    expect(await errorsIn(example, ['compose.yaml'])).toEqual([mistake])
    expect(await errorsIn(example, ['compose.yaml', 'compose.schemagate.yml'])).toEqual([])
  })

  test('says how many lines of YAML the overlay has', () => {
    const read = (name: string) => readFileSync(join(root, 'examples', example, name), 'utf8')
    expect(read('README.md')).toContain(
      ` ${read('compose.schemagate.yml').trimEnd().split('\n').length} lines of YAML.`,
    )
  })
})
