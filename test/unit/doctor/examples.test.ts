// The projects of examples/: doctor finds the mistake in each as it was before, and no error with its overlay.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { root } from '../../../scripts/lib/root.ts'

async function errorsIn(example: string, files: readonly string[]): Promise<string[]> {
  const cwd = join(root, 'examples', example)
  const { findings } = await diagnose(files, { cwd, env: {}, docker: false })
  return findings.filter(({ severity }) => severity === 'error').map(({ rule, service }) => `${rule.id} ${service}`)
}

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
