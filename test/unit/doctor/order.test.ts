// What a migrator waits for itself: what ends before it is well, an app that serves is not.

import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'

const environment = 'environment: { DATABASE_URL: postgres://app@db/app }'

async function errorsIn(services: string): Promise<string[]> {
  const stdin = `services:\n  db: { image: "postgres:17" }\n${services}`
  const { findings } = await diagnose(['-'], { cwd: tmpdir(), env: {}, docker: false, stdin })
  return findings.filter(({ severity }) => severity === 'error').map(({ rule, what }) => `${rule.id}: ${what}`)
}

const migrate = (waitsFor: string) =>
  `  migrate: { image: a, command: alembic upgrade head, ${environment}, depends_on: { ${waitsFor} } }\n`
const app = (name: string) => `  ${name}: { image: a, command: gunicorn app, ${environment} }\n`

test.for(['service_started', 'service_healthy'])(
  'an app that the migrator waits for (%s) serves first',
  async condition => {
    const errors = await errorsIn(`${app('web')}${migrate(`web: { condition: ${condition} }`)}`)
    expect(errors).toEqual([
      expect.stringMatching(/^ungated-client: web uses db before migrate migrates it, .*turn that round/),
    ])
  },
)

test('so does one that it waits for through another, and one beside an app that waits', async () => {
  const gated = `  api: { image: a, command: gunicorn app, ${environment}, depends_on: { migrate: { condition: service_completed_successfully } } }\n`
  const proxy = '  proxy: { image: nginx, depends_on: [web] }\n'
  const errors = await errorsIn(`${app('web')}${gated}${proxy}${migrate('proxy: { condition: service_started }')}`)
  expect(errors).toEqual([expect.stringMatching(/^ungated-client: web /)])
})

test('what must have ended before the migrator starts uses nothing that it migrates', async () => {
  const errors = await errorsIn(`${app('prepare')}${migrate('prepare: { condition: service_completed_successfully }')}`)
  expect(errors).toEqual([])
})
