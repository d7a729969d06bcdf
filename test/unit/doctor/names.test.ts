// Services and variables that are called as what every object of JavaScript has.

import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { makeOverlay } from '../../../migrator/doctor/overlay/fix.ts'

const options = { cwd: tmpdir(), env: {}, docker: false }

test.for(['__proto__', 'constructor', 'toString'])('a service %s is one like the others', async name => {
  const stdin = `services:\n  ${name}: { image: "postgres:17" }\n  app: { image: a, environment: { PGHOST: ${name} } }\n`
  const diagnosis = await diagnose(['-'], { ...options, stdin })
  expect([...diagnosis.stack.members].map(([name, { role }]) => `${name} ${role}`)).toEqual([
    `${name} database`,
    'app app',
  ])
  const { text } = await makeOverlay(diagnosis, { ...options, stdin })
  expect(Object.keys(parse(text).services)).toContain(name)
  expect(parse(text).services.app.depends_on).toHaveProperty([name])
})

test.for(['constructor', 'toString', '__proto__'])('a variable %s is not set', async name => {
  const stdin = `services:\n  db: { image: "postgres:17", healthcheck: { test: "psql -h 127.0.0.1 -U $$${name} -d \${${name}:-x} -c 'select 1'" } }
  app: { image: "a:\${${name}}", command: "sh -c 'if [ \\"$$${name}\\" = 1 ]; then alembic upgrade head; fi; ./app $$${name}'", environment: { PGHOST: db, URL: "postgres://$$${name}@db/x" } }\n`
  const { stack } = await diagnose(['-'], { ...options, stdin })
  expect(stack.members.get('app')!.service.image!.text).toBe(`a:\${${name}}`)
  expect(stack.members.get('app')!.role).toBe('app')
})
