// Which files doctor takes, and that it reads them as Compose does.

import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

async function read(files: Record<string, string>, env: Record<string, string> = {}, names: readonly string[] = []) {
  const cwd = writtenFolder(files)
  const { stack, findings, notes } = await diagnose(names, { cwd, env, docker: 'PATH' in env })
  const errors = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ rule, service }) => `${rule.id} ${service}`)
  return { stack, findings, errors, notes, files: stack.compose.files }
}

const db = '  db: { image: "postgres:17" }\n'
const database = `services:\n${db}`

test.for([
  [
    ['compose.yml', 'docker-compose.override.yml'],
    ['compose.yml', 'docker-compose.override.yml'],
  ],
  [
    ['docker-compose.yml', 'compose.override.yaml'],
    ['docker-compose.yml', 'compose.override.yaml'],
  ],
  [
    ['compose.yaml', 'compose.yml', 'docker-compose.override.yml', 'compose.override.yml'],
    ['compose.yaml', 'compose.override.yml'],
  ],
] as const)('of %j it takes %j', async ([there, taken]) => {
  expect((await read(Object.fromEntries(there.map(name => [name, database])))).files).toEqual(taken)
})

test('an overlay that has nothing in a service, or below a key, says nothing of it', async () => {
  const { errors, stack } = await read({
    'compose.yml': `${database}  migrate: { image: a, command: alembic upgrade head, environment: { PGHOST: db } }\n  app: { image: b, environment: { PGHOST: db }, command: c, depends_on: [db] }\n`,
    'compose.override.yml':
      'services:\n  app:\n    # nothing\n  migrate:\n    environment:\n    command: alembic upgrade head\n',
  })
  expect(errors).toEqual(['ungated-client app'])
  expect(stack.members.get('migrate')!.role).toBe('migrator')
})

test("an overlay's empty command is the image's own", async () => {
  const { stack } = await read({
    'compose.yml': `${database}  app: { image: b, environment: { PGHOST: db }, command: c }\n`,
    'compose.override.yml': 'services: { app: { command: } }',
  })
  expect(stack.members.get('app')!.service.command).toBeUndefined()
})

const common = (name: string, service: string) => ({
  [`${name}/compose.yml`]: `services: { ${name}: { extends: { file: common.yml, service: ${service} } } }`,
  [`${name}/common.yml`]: `services:\n${name === 'b' ? '\n\n' : ''}  ${service}: { image: ${name}, environment: { PGHOST: db }, restart: no }\n`,
})

test('two files of one name in two folders', async () => {
  const { stack, findings } = await read({
    'compose.yml': `include: [a/compose.yml, b/compose.yml]\n${database}`,
    ...common('a', 'base-a'),
    ...common('b', 'base-b'),
  })
  expect([...stack.members.values()].map(({ service }) => service.image?.text)).toEqual(['a', 'b', 'postgres:17'])
  const places = findings
    .filter(({ rule }) => rule.id === 'unquoted-no')
    .map(({ place }) => `${place.file}:${place.line}`)
  expect(places).toEqual(['a/common.yml:2', 'b/common.yml:4'])
})

const isDocker = spawnSync('docker', ['compose', 'version']).status === 0

test.runIf(isDocker)('what docker alone can read is read, and that is said', async () => {
  const files = {
    'compose.yml': `include: [two.yml]\n${database}`,
    'two.yml': `services: { app: { image: a, environment: { PGHOST: db } } }\n---\nservices: { migrate: { image: a, command: sh -c "alembic upgrade head; exit 0", environment: { PGHOST: db } } }\n`,
  }
  const { errors, notes } = await read(files, { PATH: process.env.PATH!, HOME: process.env.HOME! })
  expect(errors.toSorted()).toEqual(['chain-ignores-failure migrate', 'ungated-client app'])
  expect(notes).toEqual([
    expect.stringMatching(/^Docker reads what the YAML alone does not give, .*two.yml:2:1: a second document/),
  ])
  await expect(read(files)).rejects.toThrow(/two.yml:2:1: a second document/)
})

test.for([
  ['docker', isDocker ? { PATH: process.env.PATH!, HOME: process.env.HOME! } : {}],
  ['the YAML alone', {}],
] as const)(
  'an env file that is not here, and need not be, is told where it may name a database: %s',
  async ([, env]) => {
    const optional = 'env_file: [{ path: .env.app, required: false }]'
    const compose = `services:
  db: { image: "postgres:17", healthcheck: { test: psql -h 127.0.0.1 -U shop -d shop -c "select 1" }, ${optional} }
  web: { image: a, environment: { PGHOST: db }, ${optional} }
  worker: { image: b, ${optional} }
  cache: { image: redis, ${optional} }
`
    const { notes, findings } = await read({ 'compose.yml': compose }, env)
    expect(notes.filter(note => note.includes('.env.app'))).toEqual([
      '.env.app is not here: whether worker uses a database may stand there.',
    ])
    expect(findings.map(({ rule }) => rule.id)).not.toContain('healthcheck-other-database')
    const { notes: none } = await read({ 'compose.yml': compose, '.env.app': 'A=b\n' }, env)
    expect(none.join()).not.toContain('.env.app')
  },
)

test.for([
  ['.env', { '.env': 'COMPOSE_PROFILES=tools,more\n' }, {}],
  ['the environment', {}, { COMPOSE_PROFILES: '*' }],
] as const)('a migrator below a profile that %s makes active runs by itself', async ([, files, env]) => {
  const services = `${database}  migrate: { image: a, command: alembic upgrade head, profiles: [tools], environment: { PGHOST: db } }\n  app: { image: b, environment: { PGHOST: db }, depends_on: { migrate: { condition: service_completed_successfully } } }\n`
  expect((await read({ 'compose.yml': services })).errors).toEqual(['migrator-by-hand migrate'])
  expect((await read({ 'compose.yml': services, ...files }, env)).errors).toEqual([])
})

test.for([
  ['FROM registry.example.com/boxfuse/flyway:5\n', '["migrate", "-placeholders.user=shop"]', ['ungated-client app']],
  ['FROM migrate/migrate\nCMD ["-path", "/m", "-database", "postgres://db/shop", "up"]\n', '', ['ungated-client app']],
  ['FROM migrate/migrate\nENTRYPOINT ["/serve"]\n', '["up"]', []],
] as const)('an image that is built on %s runs what that runs', async ([dockerfile, command, expected]) => {
  const job = `  job: { build: ., environment: { PGHOST: db }${command && `, command: ${command}`} }\n`
  const app = '  app: { image: b, environment: { PGHOST: db } }\n'
  const { errors } = await read({ 'compose.yml': `${database}${job}${app}`, Dockerfile: dockerfile })
  expect(errors).toEqual(expected)
})

test('a script that the Dockerfile copies under another name is found as PATH finds it', async () => {
  const { stack } = await read({
    'compose.yml': `${database}  app: { build: ., environment: { PGHOST: db } }\n`,
    Dockerfile:
      'FROM php\nCOPY --chmod=755 docker/start.sh /usr/local/bin/start\nENTRYPOINT ["start"]\nCMD ["frankenphp", "run"]\n',
    'docker/start.sh': '#!/bin/sh\nset -e\nphp bin/console doctrine:migrations:migrate\nexec "$@"\n',
  })
  expect(stack.members.get('app')!.migration?.tool).toBe('Doctrine')
})

test.for([
  [{ 'backend/alembic.ini': '' }, ' The project has Alembic, in backend: `alembic upgrade head`.'],
  [{ 'manage.py': '' }, ' The project has Django: `python manage.py migrate --noinput`.'],
  [
    { 'db/migrations/0001_users.sql': 'create table users (id int);\n' },
    ' The project has migrations, in db/migrations.',
  ],
  [{ server: 'a program, and no folder' }, ''],
] as const)('what a project has to migrate with, and nothing starts, is named: %j', async ([files, told]) => {
  const app = '  app: { build: ./backend, environment: { PGHOST: db } }\n'
  const Dockerfile = { 'backend/Dockerfile': 'FROM python\nCMD ["uvicorn", "main:app"]\n' }
  const { findings } = await read({ 'compose.yml': `${database}${app}`, ...Dockerfile, ...files })
  const found = findings.find(({ rule }) => rule.id === 'no-migration-seen')
  expect(found?.what).toBe(`Nothing that can be seen here migrates db, which app uses.${told}`)
})
