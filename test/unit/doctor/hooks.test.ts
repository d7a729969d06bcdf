// Hooks of Compose's: `pre_start` has ended well before the service is started, `post_start` runs beside it.

import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { databasesOf } from '../../../migrator/doctor/model/gating.ts'
import { refuseOutside } from '../../../migrator/doctor/trial/refuse-outside.ts'
import { safeStack } from '../../../migrator/doctor/trial/safe-stack.ts'
import { ownMigration } from '../../../migrator/init/own-migration.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

async function diagnosed(services: string, env: Record<string, string> = {}) {
  const cwd = writtenFolder({ 'compose.yml': `services:\n  db: { image: "postgres:17" }\n${services}` })
  return diagnose([], { cwd, env, docker: false })
}

const about =
  /^(chain-ignores-failure|migrate-in-app|replicas-migrate|no-migration-seen|sibling-ungated|ungated-client|migrator-by-hand)$/

async function findingsOf(services: string) {
  const { findings } = await diagnosed(services)
  return findings.filter(({ rule }) => about.test(rule.id)).map(({ rule, service }) => `${rule.id} ${service}`)
}

const web = (more: string) => `  web: { image: app, environment: { PGHOST: db }, ${more} }\n`
const migrate = '[{ command: ["./manage.py", "migrate"] }]'
const worker = (dependsOn: string) =>
  `  worker: { image: app, environment: { PGHOST: db }, depends_on: ${dependsOn} }\n`

test.for([
  ['a migration', `pre_start: ${migrate}`],
  ['a shell', 'pre_start: [{ command: sh -c "alembic upgrade head" }]'],
  ['one of several', `pre_start: [{ image: busybox, command: chown -R 1 /data }, { command: alembic upgrade head }]`],
  [
    "a tool's image",
    'pre_start: [{ image: "migrate/migrate:v4", command: ["-path", "/m", "-database", "$DB", "up"] }]',
  ],
  ["a migrator's image", 'pre_start: [{ image: "example/migrator:1" }]'],
  ['a command that goes on after something else', `command: sh -c "echo a; uvicorn app", pre_start: ${migrate}`],
  ['several replicas', `command: uvicorn app, scale: 3, pre_start: ${migrate}`],
] as const)('pre_start keeps the service: %s', async ([, more]) => {
  expect(await findingsOf(web(more))).toEqual([])
})

test('pre_start that passes over a failed migration keeps nothing', async () => {
  expect(
    await findingsOf(web('command: uvicorn app, pre_start: [{ command: sh -c "alembic upgrade head || true" }]')),
  ).toEqual(['chain-ignores-failure web'])
})

test('a hook that migrates nothing is none of a migration', async () => {
  expect(await findingsOf(web('command: uvicorn app, pre_start: [{ command: chown 1 /data }]'))).toEqual([
    'no-migration-seen db',
  ])
  expect(
    await findingsOf(web('command: sh -c "alembic upgrade head && uvicorn app", post_start: [{ command: touch a }]')),
  ).toEqual(['migrate-in-app web'])
})

test.for(['[web]', '{ web: { condition: service_started } }', '{ web: { condition: service_healthy } }'])(
  'what is started after a service with pre_start is behind the migration: %s',
  async dependsOn => {
    expect(await findingsOf(web(`command: uvicorn app, pre_start: ${migrate}`) + worker(dependsOn))).toEqual([])
  },
)

test('what does not wait for it is not, and waits for its start under the overlay', async () => {
  const { findings } = await diagnosed(web(`command: uvicorn app, pre_start: ${migrate}`) + worker('[db]'))
  const found = findings.find(({ rule }) => rule.id === 'sibling-ungated')
  expect(found?.service).toBe('worker')
  expect(found?.patch).toEqual({ services: { worker: { depends_on: { web: { condition: 'service_started' } } } } })
})

test.for([
  `command: uvicorn app, post_start: ${migrate}`,
  `post_start: ${migrate}`,
  `post_start: [{ command: sh -c "./wait.sh && alembic upgrade head" }]`,
])('post_start runs beside an app that serves already: %s', async more => {
  const { findings } = await diagnosed(web(more))
  const found = findings.filter(({ rule }) => about.test(rule.id))
  expect(found.map(({ rule }) => rule.id)).toEqual(['chain-ignores-failure', 'migrate-in-app'])
  expect(found.every(({ patch }) => patch === undefined)).toBe(true)
})

test("a hook is shown with Compose's variables by their names", async () => {
  const services = web('post_start: [{ command: "alembic -x url=${SECRET} upgrade head" }]')
  const { findings } = await diagnosed(services, { SECRET: 'hunter2' })
  const what = findings.map(one => one.what).join('\n')
  expect(what).toContain('goes on when `alembic -x url=${SECRET} upgrade head` fails')
  expect(what).not.toContain('hunter2')
})

test('init takes the command of a hook in the image of the app, and of no other', async () => {
  for (const [hook, command] of [
    ['post_start: [{ command: alembic upgrade head }]', 'alembic upgrade head'],
    ['post_start: [{ image: "migrate/migrate:v4", command: -path /m -database $$DB up }]', undefined],
    // it is before the app already
    ['pre_start: [{ command: alembic upgrade head }]', undefined],
  ] as const) {
    const { stack } = await diagnosed(web(`command: uvicorn app, ${hook}`))
    expect(ownMigration(stack, databasesOf(stack)[0]!).way?.command).toBe(command)
  }
  const both =
    'command: sh -c "alembic upgrade head; uvicorn app & wait", pre_start: [{ command: sh -c "cd /data && chown 1 ." }]'
  const { stack } = await diagnosed(web(both))
  expect(ownMigration(stack, databasesOf(stack)[0]!).way?.command).toBe('alembic upgrade head')
})

test('a database with a hook is a database', async () => {
  const { stack } = await diagnosed('  pg: { image: "postgres:17", post_start: [{ command: psql -f /seed.sql }] }\n')
  expect(stack.members.get('pg')!.role).toBe('database')
})

test('a trial takes the privileges of hooks, and refuses a database outside that one names', async () => {
  const { stack } = await diagnosed(web('pre_start: [{ command: a, privileged: true }]'))
  expect(safeStack(stack, '/broken.sh')).toMatchObject({ services: { web: { pre_start: [{ privileged: false }] } } })
  const outside = await diagnosed(
    web('pre_start: [{ command: a, environment: { DATABASE_URL: "postgres://a@live/a" } }]'),
  )
  expect(() => refuseOutside(outside.stack)).toThrow('database host live')
})
