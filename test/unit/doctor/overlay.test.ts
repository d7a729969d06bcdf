// The overlay for an app that migrates itself: its switch, and a one-shot in its place.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Diagnosis, diagnose } from '../../../migrator/doctor/diagnose.ts'
import { doctor } from '../../../migrator/doctor/doctor.ts'
import { makeOverlay } from '../../../migrator/doctor/overlay/fix.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doctor-overlay-'))
afterAll(() => rmSync(cwd, { recursive: true }))

const database = `  db:
    image: postgres:17
    environment: { POSTGRES_USER: app, POSTGRES_PASSWORD: secret, POSTGRES_DB: app }
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck:
      test: ["CMD-SHELL", "psql -h 127.0.0.1 -U $\${POSTGRES_USER} -d $\${POSTGRES_DB} -c 'select 1'"]
      interval: 10s
      start_period: 60s
volumes:
  data:
`

/** The overlay's services, and what is found before and with it. */
async function overlayOf(services: string, docker = false) {
  writeFileSync(join(cwd, 'compose.yml'), `services:\n${services}${database}`)
  const options = { cwd, env: docker ? { PATH: process.env.PATH, HOME: process.env.HOME } : {}, docker }
  const before = await diagnose(['compose.yml'], options)
  const { text, result } = await makeOverlay(before, options)
  const rules = ({ findings }: Diagnosis) =>
    findings.filter(({ severity }) => severity !== 'note').map(({ rule }) => rule.id)
  return {
    before: rules(before),
    after: rules(result),
    text,
    services: text === '' ? {} : parse(text, { logLevel: 'error' }).services,
  }
}

const web = (environment: string) => `  web:
    build: .
    entrypoint: ["./entrypoint.sh"]
    command: node server.js
    environment: { PGHOST: db, PGDATABASE: app${environment} }
    depends_on: { db: { condition: service_healthy } }
`

test.for([
  ['that is on', 'if [ "$RUN_MIGRATIONS" = "true" ]; then', ', RUN_MIGRATIONS: "true"', { RUN_MIGRATIONS: '0' }],
  ['that is on where nothing is set', 'if [ "${MIGRATE:-1}" = 1 ]; then', '', { MIGRATE: '0' }],
  ['that would be off', 'if [ -z "$SKIP_DB_MIGRATION" ]; then', '', { SKIP_DB_MIGRATION: '1' }],
  [
    'that must say yes to be off',
    'if [ "$DISABLE_DB_MIGRATIONS" != "true" ]; then',
    '',
    { DISABLE_DB_MIGRATIONS: 'true' },
  ],
] as const)('a script behind a switch %s', async ([, test, environment, off]) => {
  writeFileSync(
    join(cwd, 'entrypoint.sh'),
    `#!/bin/sh\nset -e\n${test}\n  npx prisma migrate deploy\n  node seed.js\nfi\nexec "$@"\n`,
  )
  const { before, after, services } = await overlayOf(web(environment))
  expect(before).toEqual(['migrate-in-app'])
  expect(after).toEqual([])
  expect(services).toMatchObject({
    web: { environment: off, depends_on: { 'web-migrate': { condition: 'service_completed_successfully' } } },
    'web-migrate': {
      ...{ build: '.', restart: 'no', entrypoint: ['sh', '-ec'] },
      command: ['npx prisma migrate deploy && exec node seed.js'],
      environment: expect.objectContaining({ PGHOST: 'db' }),
      depends_on: { db: { condition: 'service_healthy' } },
    },
  })
})

test("an image whose own command migrates and ends: miniflux'", async () => {
  const { before, after, services } = await overlayOf(`  reader:
    image: miniflux/miniflux:2.2.9
    environment: { DATABASE_URL: "postgres://app@db/app", RUN_MIGRATIONS: "1" }
    depends_on: { db: { condition: service_healthy } }
`)
  expect(before).toEqual(['migrate-in-app'])
  expect(after).toEqual([])
  expect(services.reader.environment).toEqual({ RUN_MIGRATIONS: '0' })
  expect(services['reader-migrate']).toMatchObject({
    image: 'miniflux/miniflux:2.2.9',
    command: ['/usr/bin/miniflux', '-migrate'],
  })
})

test('of an image that cannot be seen into nothing is guessed', async () => {
  const { after, services } = await overlayOf(`  crm:
    image: example/crm:1
    environment: { DATABASE_URL: "postgres://app@db/app", RUN_MIGRATIONS: "1" }
    depends_on: { db: { condition: service_healthy } }
`)
  expect(after).toEqual(['migrate-in-app'])
  expect(services).toEqual({})
})

test('a one-shot that idles after its migration ends with it', async () => {
  const { before, after, services } = await overlayOf(`  migrate:
    image: example/app:1
    command: sh -c "alembic upgrade head && tail -f /dev/null"
    environment: { DATABASE_URL: "postgres://app@db/app" }
    depends_on: { db: { condition: service_healthy } }
  app:
    image: example/app:1
    environment: { DATABASE_URL: "postgres://app@db/app" }
    depends_on: { migrate: { condition: service_completed_successfully } }
`)
  expect(before).toEqual(['one-shot-idles'])
  expect(after).toEqual([])
  expect(services.migrate.command).toEqual(['exec alembic upgrade head'])
})

test.for([
  ['docker', true],
  ['the YAML alone', false],
] as const)('what Compose restarts with its database is still restarted with it, read by %s', async ([, docker]) => {
  const url = (host: string) => `environment: { DATABASE_URL: "postgres://app@${host}/app" }`
  writeFileSync(
    join(cwd, 'linked.yml'),
    `services:
  linked: { image: a, links: ["db:database"], ${url('database')} }
  shared: { image: a, network_mode: "service:db", ${url('localhost')} }
  plain: { image: a, depends_on: [db], ${url('db')} }
${database}`,
  )
  const options = { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME }, docker }
  const { text } = await makeOverlay(await diagnose(['linked.yml'], options), options)
  const { linked, shared, plain } = parse(text).services
  expect([linked, shared, plain].map(one => one.depends_on.db)).toEqual([
    { condition: 'service_healthy', restart: true },
    { condition: 'service_healthy', restart: true },
    { condition: 'service_healthy' },
  ])
})

test('an app waits for each migrator where nothing says which one it needs', async () => {
  const healthy = 'depends_on: { db: { condition: service_healthy } }'
  const migrator = (name: string) =>
    `  ${name}: { image: "flyway/flyway:10", command: migrate, environment: { DB_HOST: db }, ${healthy} }\n`
  const app = `  app: { image: a, environment: { DB_HOST: db }, ${healthy} }\n`
  const { before, after, services } = await overlayOf(migrator('orders') + migrator('users') + app)
  expect([before, after]).toEqual([['ungated-client'], []])
  const done = { condition: 'service_completed_successfully', restart: true }
  expect(services.app.depends_on).toEqual({ orders: done, users: done })
})

test('what an app waits for that migrates itself does not wait for that app', async () => {
  const app = (name: string, more: string) =>
    `  ${name}: { image: a, environment: { PGHOST: db, PGDATABASE: app }, depends_on: { db: { condition: service_healthy }${more} }\n`
  const migrating =
    ', keys: { condition: service_started } }, command: sh -c "./prepare; exec ./api --auto-migrate", healthcheck: { test: ./ask-the-schema }'
  const { before, services } = await overlayOf(
    app('api', migrating) +
      app('keys', ', store: { condition: service_started } }') +
      app('store', ' }') +
      app('jobs', ' }'),
  )
  expect(before.filter(rule => rule === 'sibling-ungated')).toHaveLength(3)
  expect(services.jobs.depends_on.api).toEqual({ condition: 'service_healthy' })
  expect([services.keys, services.store]).toEqual([undefined, undefined])
})

test('each database whose schema was brought to initdb.d gets a migrator of its own', async () => {
  writeFileSync(join(cwd, 'schema.sql'), 'create table a (b int);')
  const pg = (name: string) =>
    `  ${name}: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x }, volumes: ["./schema.sql:/docker-entrypoint-initdb.d/schema.sql"] }\n`
  const app = (name: string, host: string) => `  ${name}: { image: a, environment: { PGHOST: ${host} } }\n`
  const { services } = await overlayOf(pg('one') + pg('two') + app('first', 'one') + app('second', 'two'))
  const gate = { condition: 'service_completed_successfully' }
  for (const [name, user] of [
    ['one', 'first'],
    ['two', 'second'],
  ] as const) {
    expect(services[`${name}-migrator`].environment.PGHOST).toBe(name)
    expect(services[user].depends_on[`${name}-migrator`]).toMatchObject(gate)
  }
})

test.for([
  // the names are numbered in the order in which they were run
  ['files without numbers', ['seed.sql', 'create.sql'], ['0001_create.sql', '0002_seed.sql']],
  ['numbered files', ['2-seed.sql', '1-create.sql'], ['1-create.sql', '2-seed.sql']],
  ['numbers that are not in order as text', ['10-create.sql', '2-seed.sql'], ['0001_10-create.sql', '0002_2-seed.sql']],
  ['a script among them', ['1-create.sql', '2-seed.sh'], undefined],
  ["psql's own commands", ['connect.sql'], undefined],
] as const)('of initdb.d a migrator gets what it can run: %s', async ([, names, expected]) => {
  for (const name of names) writeFileSync(join(cwd, name), 'create table a (b int);\n')
  writeFileSync(join(cwd, 'connect.sql'), 'create database shop;\n\\c shop\ncreate table a (b int);\n')
  const mounts = names.map(name => `"./${name}:/docker-entrypoint-initdb.d/${name}"`)
  const pg = (volumes: string) =>
    `  pg: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x }, volumes: [${volumes}] }\n`
  const { before, services } = await overlayOf(pg(mounts.join()))
  expect(before).toContain('initdb-migration')
  const { volumes = [] } = services.migrator ?? {}
  const targets = volumes.map((volume: string) => volume.split(':')[1]!.replace('/migrations/', ''))
  expect(targets).toEqual(expected ?? [])
})

test.for([
  ['numbered', '01-create.sql', '02-seed.sql', true],
  ['not numbered', 'create.sql', '02-seed.sql', false],
  ['in another order as text', '10-create.sql', '2-seed.sql', false],
  ['that a script goes before', '01-databases.sh', '02-seed.sql', false],
] as const)(
  'the folder of initdb.d is given to a migrator where that reads it: %s',
  async ([, first, second, isGiven]) => {
    const folder = mkdtempSync(join(cwd, 'initdb-'))
    for (const one of [first, second]) writeFileSync(join(folder, one), 'create table a (b int);\n')
    const { services } = await overlayOf(
      // with a slash at its end, which docker takes off
      `  pg: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x }, volumes: ["${folder}:/docker-entrypoint-initdb.d/"] }\n`,
      true,
    )
    expect(services.migrator?.volumes).toEqual(isGiven ? [`${folder}:/migrations:ro`] : undefined)
  },
)

test('a migrator for initdb.d takes the password from the file that the server has', async () => {
  writeFileSync(join(cwd, '1.sql'), 'create table a (b int);')
  const { services } = await overlayOf(
    `  pg: { image: "postgres:17", environment: { POSTGRES_PASSWORD_FILE: /run/secrets/pg }, secrets: [pg], volumes: ["./1.sql:/docker-entrypoint-initdb.d/1.sql"] }\n`,
  )
  expect(services.migrator).toMatchObject({ environment: { PGPASSWORD_FILE: '/run/secrets/pg' }, secrets: ['pg'] })
})

test('the health check of a server whose user and database are in files asks with what stands there', async () => {
  writeFileSync(join(cwd, '1.sql'), 'create table a (b int);')
  const { before, after, services } = await overlayOf(
    `  pg: { image: "postgres:17", environment: { POSTGRES_USER_FILE: /run/secrets/user, POSTGRES_DB_FILE: /run/secrets/db, POSTGRES_PASSWORD: x }, volumes: ["data:/var/lib/postgresql/data", "./1.sql:/docker-entrypoint-initdb.d/1.sql"], healthcheck: { test: pg_isready -h 127.0.0.1 -U shop -d shop } }\n`,
  )
  expect(before).not.toContain('healthcheck-other-database')
  expect(after).toEqual([])
  expect(services.pg.healthcheck.test[1]).toContain(
    'psql -X -h 127.0.0.1 -U "$$(cat "$$POSTGRES_USER_FILE")" -d "$$(cat "$$POSTGRES_DB_FILE")" ',
  )
  // it cannot read the files, and Compose says what is missing
  expect(services.migrator.environment).toMatchObject({ PGUSER: `\${POSTGRES_USER:?as pg has it}` })
})

test('an overlay with a migrator says how its image is built, and another one does not', async () => {
  writeFileSync(join(cwd, '1.sql'), 'create table a (b int);')
  const pg = (volumes: string) =>
    overlayOf(`  pg: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x }, volumes: [${volumes}] }\n`)
  const build = /^# docker build --tag schemagate-migrator /m
  expect((await pg('"./1.sql:/docker-entrypoint-initdb.d/1.sql"')).text).toMatch(build)
  expect((await pg('"data:/var/lib/postgresql/data"')).text).not.toMatch(build)
})

test('in a Swarm, which has no conditions, the schema stays where it is', async () => {
  writeFileSync(join(cwd, '1.sql'), 'create table a (b int);')
  const { before, services } = await overlayOf(
    `  pg: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x }, volumes: ["./1.sql:/docker-entrypoint-initdb.d/1.sql"], deploy: { placement: { constraints: [a] } } }
  app: { image: a, environment: { PGHOST: pg }, deploy: { update_config: { order: start-first } } }
`,
  )
  expect(before).toContain('initdb-migration')
  expect(services.migrator).toBeUndefined()
})

test('a service of the project that has the name of a one-shot is left as it is', async () => {
  const command = 'command: sh -c "alembic upgrade head && uvicorn app"'
  const existing = '  web-migrate: { image: tools, command: alembic stamp head, profiles: [tools] }\n'
  const app = (image: string, command: string) =>
    `  web: { image: ${image}, ${command}, environment: { PGHOST: db, RUN_MIGRATIONS: "1" }, depends_on: { db: { condition: service_healthy } } }\n`
  for (const one of [app('a', command), app('miniflux/miniflux', 'user: "1"')]) {
    expect((await overlayOf(one)).services['web-migrate']).toBeDefined()
    const { command } = (await overlayOf(one + existing)).services['web-migrate'] ?? {}
    expect(command).toBeUndefined()
  }
})

test('over an overlay that another has written, and that is among the files, doctor lays one of its own', async () => {
  const folder = join(cwd, 'further')
  mkdirSync(folder)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const fix = async (files: readonly string[]) => {
    const lines: string[] = []
    const print = (text: string) => void lines.push(text)
    const exitCode = await doctor({
      ...{ files, format: 'text', all: false, fix: true, trial: false, signal: AbortSignal.timeout(30_000) },
      ...{ color: false, width: 200, diagnose: { cwd: folder, env: {}, docker: false }, print, say: print },
    })
    return { exitCode, text: lines.join('\n') }
  }
  write('compose.yml', `services:\n${web('').replace('build: .', 'image: app:1')}${database}`)
  const others = '# Written by `schemagate init`\nservices:\n  web:\n    init: true\n'
  write('compose.schemagate.yml', others)
  const both = ['compose.yml', 'compose.schemagate.yml']
  expect((await fix(both)).text).toContain('There is nothing that an overlay can put right.')
  write('compose.schemagate.yml', `${others}    depends_on: { db: { condition: service_started } }\n`)
  await expect(fix(['compose.yml'])).resolves.toMatchObject({ exitCode: 0 })
  const { text } = await fix(both)
  expect(text).toContain('-f compose.yml -f compose.schemagate.yml -f compose.schemagate.doctor.yml up')
  const further = join(folder, 'compose.schemagate.doctor.yml')
  const first = readFileSync(further, 'utf8')
  expect(first).toContain('condition: service_healthy')
  await fix([...both, 'compose.schemagate.doctor.yml'])
  expect(readFileSync(further, 'utf8')).toBe(first)
  expect(readFileSync(join(folder, 'compose.schemagate.yml'), 'utf8')).toContain('schemagate init')
})
