// What a service is, and which database it uses, where its image and its URL do not tell.

import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { root } from '../../../scripts/lib/root.ts'

async function read(services: string) {
  const stdin = `services:\n${services}`
  const { stack, findings, notes } = await diagnose(['-'], { cwd: tmpdir(), env: {}, docker: false, stdin })
  const errors = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ rule, service }) => `${rule.id} ${service}`)
  const useOf = (name: string) =>
    stack.members.get(name)!.uses.map(({ server, database }) => `${server}/${database ?? ''}`)
  return { roleOf: (name: string) => stack.members.get(name)!.role, useOf, errors, notes }
}

const db = '  db: { image: "postgres:17" }\n'
const migrate =
  '  migrate: { image: a, command: alembic upgrade head, environment: { PGHOST: db, PGDATABASE: shop } }\n'
const label = (role: string) => `labels: { schemagate.role: ${role} }`

describe('a label', () => {
  test('as in docs/doctor.md: the migrator uses the only database', async () => {
    const [, example] = /```yaml\nservices:\n(\s+preparer:[^`]*)```/.exec(
      readFileSync(join(root, 'docs/doctor.md'), 'utf8'),
    )!
    const { useOf, errors } = await read(`${db}${example}  web: { image: b, environment: { PGHOST: db } }\n`)
    expect(useOf('preparer')).toEqual(['db/'])
    expect(errors).toEqual(['ungated-client web'])
  })

  test('makes an app of what names no database', async () => {
    const { errors } = await read(`${db}${migrate}  web: { image: b, ${label('app')} }\n`)
    expect(errors).toEqual(['ungated-client web'])
  })

  test('of an app behind a migrator means that database, where there are several', async () => {
    const other = '  other: { image: "postgres:17" }\n'
    const { useOf, errors } = await read(
      `${db}${other}${migrate}  web: { image: b, ${label('app')}, depends_on: { migrate: { condition: service_completed_successfully } } }\n`,
    )
    expect(useOf('web')).toEqual(['db/shop'])
    expect(errors).toEqual([])
  })

  test('that leaves the database open, or is none, is told', async () => {
    const other = '  other: { image: "postgres:17" }\n'
    const { notes } = await read(
      `${db}${other}  web: { image: b, ${label('app')} }\n  x: { image: c, ${label('ap')} }\n`,
    )
    expect(notes).toEqual([
      expect.stringMatching(/^web has the label .* nothing says which database it uses/),
      expect.stringMatching(/^x has the label .* none of database, migrator/),
    ])
  })
})

test('who holds the same unknown URL uses the same database', async () => {
  const url = 'environment: { DATABASE_URL: "${DATABASE_URL}" }'
  const { errors } = await read(
    `${db}  migrate: { image: a, command: alembic upgrade head, ${url} }\n  app: { image: a, ${url} }\n  alone: { image: a, environment: { URL: "\${OTHER_URL}" } }\n`,
  )
  expect(errors).toEqual(['ungated-client app'])
})

test('an image with a web server in its name is an app where it names a database', async () => {
  const { roleOf, errors } = await read(
    `${db}${migrate}  app: { image: webdevops/php-nginx, environment: { DB_HOST: db, DB_DATABASE: shop } }\n  proxy: { image: nginx, environment: { UPSTREAM: "app:80" }, depends_on: [db] }\n`,
  )
  expect([roleOf('app'), roleOf('proxy')]).toEqual(['app', 'proxy'])
  expect(errors).toEqual(['ungated-client app'])
})

test('a proxy by its label stays one although it names a database', async () => {
  const { roleOf, errors } = await read(
    `${db}${migrate}  proxy: { image: webdevops/php-nginx, environment: { DB_HOST: db }, ${label('proxy')} }\n`,
  )
  expect(roleOf('proxy')).toBe('proxy')
  expect(errors).toEqual([])
})

test.for([
  ['TEST_DB_NAME: t, DB_HOST: db, DB_NAME: shop', ['db/shop']],
  ['POSTGRES_DB: t, APP_DB_HOST: db, APP_DB_NAME: shop', ['db/shop']],
  ['DB_NAME: shop, DB_HOST: db, TEST_DB_HOST: db, TEST_DB_NAME: t', ['db/shop', 'db/t']],
  ['DB: db, DB_NAME: shop', ['db/shop']],
] as const)('the name of the database is the one that goes with the host: %s', async ([environment, uses]) => {
  const { useOf } = await read(`${db}  app: { image: a, environment: { ${environment} } }\n`)
  expect(useOf('app')).toEqual(uses)
})

const web = (command: string) => `  web: { image: b, command: '${command}', environment: { PGHOST: db } }\n`

test.for([
  'bin/shop eval "Elixir.Shop.ReleaseTasks.create_and_migrate()" && bin/shop start',
  'bin/shop eval Shop.Release.migrate && bin/shop start',
  'sh -c "sudo -E -u nobody /app/bin/migrate && exec /app/bin/server"',
  'sh -c "shop migrate-and-serve && exec shop serve"',
])('an app that migrates itself by %s', async command => {
  const { errors, roleOf } = await read(`${db}${web(command)}  worker: { image: c, environment: { PGHOST: db } }\n`)
  expect(roleOf('web')).toBe('app')
  expect(errors).toEqual(['sibling-ungated worker'])
})

test.for([
  ['sh -c "python manage.py wait_for_migrations && gunicorn app"', true],
  ['sh -c "until python manage.py migrate --check; do sleep 1; done; gunicorn app"', true],
  ['bash -ec "airflow db check-migrations --migration-wait-timeout 60; exec airflow webserver"', true],
  ['sh -c "bundle exec rails db:abort_if_pending_migrations && bundle exec puma"', true],
  ['sh -c "python manage.py wait_for_migrations; gunicorn app"', false],
  ['sh -c "python manage.py wait_for_db && gunicorn app"', false],
] as const)('an app that waits for the migrations itself is behind them: %s', async ([command, isGated]) => {
  const { errors } = await read(`${db}${migrate.replace('alembic upgrade head', './migrate')}${web(command)}`)
  expect(errors).toEqual(isGated ? [] : ['ungated-client web'])
})

describe('a server', () => {
  test.for([
    ['./App serve --env production --auto-migrate', 'app', ['sibling-ungated worker']],
    ['["/app/bin/main", "--apply-migrations"]', 'app', ['sibling-ungated worker']],
    ['svix-server --run-migrations=true --port 80', 'app', ['sibling-ungated worker']],
    ['./server --auto-migrate=false', 'app', []],
    ['./server --auto-migrate 0', 'app', []],
    ['./server --migrations-dir /auto-migrate', 'app', []],
  ] as const)('that a flag has migrate before it serves is an app: %s', async ([command, role, expected]) => {
    const services = `  web: { image: a, command: ${command}, environment: { PGHOST: db } }\n  worker: { image: a, command: ./work, environment: { PGHOST: db } }\n`
    const { roleOf, errors } = await read(`${db}${services}`)
    expect(roleOf('web')).toBe(role)
    expect(errors).toEqual(expected)
  })

  test('with such a flag that others wait for is a one-shot', async () => {
    const migrate = '  prepare: { image: a, command: ./server --apply-migrations, environment: { PGHOST: db } }\n'
    const web = (dependsOn: string) => `  web: { image: a, environment: { PGHOST: db }, depends_on: ${dependsOn} }\n`
    const { roleOf, errors } = await read(
      `${db}${migrate}${web('{ prepare: { condition: service_completed_successfully } }')}`,
    )
    expect(roleOf('prepare')).toBe('migrator')
    expect(errors).toEqual([])
  })
})
