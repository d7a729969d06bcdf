// What a trial would start, and the stacks of which it starts nothing.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { removeFolders } from '../../../migrator/doctor/trial/left-behind.ts'
import { refuseOutside } from '../../../migrator/doctor/trial/refuse-outside.ts'
import { safeStack } from '../../../migrator/doctor/trial/safe-stack.ts'

async function stackOf(stdin: string) {
  return (await diagnose(['-'], { cwd: '/', env: {}, docker: false, stdin })).stack
}

const withApp = (app: string) => `services:
  db:
    image: postgres:17
    environment: { PGHOST: localhost }
    ports: ["5432:5432"]
    networks: { default: { aliases: [pg.internal] } }
  app:
    image: app:1
    ${app}
    depends_on: [db]
`

describe('a stack that names a database elsewhere is refused with exit code 8:', () => {
  test.for([
    ['by a URL', 'environment: { DATABASE_URL: "postgres://u:hunter2@prod.example.com/d" }', 'prod.example.com'],
    ['by a URL of another kind', 'environment: { CACHE: "redis://:hunter2@10.0.0.7:6379" }', '10.0.0.7'],
    ['by a URL of this machine', 'environment: { DATABASE_URL: "postgres://u:hunter2@localhost/d" }', 'localhost'],
    ['by libpq', 'environment: { DSN: "host=prod.example.com user=u password=hunter2" }', 'prod.example.com'],
    ['by a host alone', 'environment: { DB_HOST: prod.example.com, DB_PASSWORD: hunter2 }', 'prod.example.com'],
    ['by the second of two hosts', 'environment: { PGHOST: "db,prod.example.com:5433" }', 'prod.example.com'],
    ["by this machine's published port", 'environment: { PGHOST: host.docker.internal }', 'host.docker.internal'],
    ['in its command', 'command: migrate -database postgres://u:hunter2@prod.example.com/d up', 'prod.example.com'],
    ['by a variable without a value', 'environment: { DATABASE_URL: "postgres://u@${SERVER}/d" }', '${SERVER}'],
  ] as const)('%s', async ([, app, host]) => {
    const stack = await stackOf(withApp(app))
    const message = expect.stringMatching(/^app .*names the database host .* Nothing was started/)
    expect(() => refuseOutside(stack)).toThrow(expect.objectContaining({ exitCode: 8, message }))
    expect(() => refuseOutside(stack)).toThrow(host)
    expect(() => refuseOutside(stack)).not.toThrow('hunter2')
  })
})

test.for([
  'environment: { DATABASE_URL: "postgres://u@db:5432/d", REDIS_HOST: "" }',
  'environment: { DATABASE_URL: "postgres://u@pg.internal/d" }',
  'environment: { DB_HOST: "db:5432", PGHOST: /var/run/postgresql }',
  'environment: { DATABASE_URL: "postgres://u@data/d" }\n    links: ["db:data"]',
])('a stack that names its own database is not: %s', async app => {
  const stack = await stackOf(withApp(app))
  expect(() => refuseOutside(stack)).not.toThrow()
})

test('what a trial starts has nothing of this machine: no ports, names, labels, addresses, data, ways out', async () => {
  const stack = await stackOf(`services:
  db:
    image: postgres:17
    container_name: living
    ports: [{ target: 5432, published: "5432" }]
    networks: { outside: { ipv4_address: 10.1.2.3, aliases: [pg] } }
    volumes:
      - { type: bind, source: /srv/data, target: /var/lib/postgresql/data }
      - { type: volume, source: living, target: /backups }
      - { type: bind, source: /srv/init, target: /docker-entrypoint-initdb.d }
  app:
    build: { context: . }
    image: registry.example.com/app
    network_mode: host
    privileged: true
    environment: { VIRTUAL_HOST: example.com, PRICE: "5$" }
    labels: { traefik.enable: "true" }
    volumes:
      - { type: bind, source: /srv/uploads, target: /uploads }
      - { type: bind, source: /var/run/docker.sock, target: /var/run/docker.sock }
      - { type: volume, source: living, target: /shared }
networks:
  outside: { external: true }
volumes:
  living: { external: true }
`)
  expect(safeStack(stack, '/tmp/broken.sh')).toEqual(
    parse(`
services:
  db:
    image: postgres:17
    networks: { outside: { aliases: [pg] } }
    volumes:
      - { type: volume, source: db-var-lib-postgresql-data, target: /var/lib/postgresql/data }
      - { type: volume, source: living, target: /backups }
      - { type: bind, source: /srv/init, target: /docker-entrypoint-initdb.d, read_only: true, bind: { create_host_path: false } }
      - { type: bind, source: /tmp/broken.sh, target: /docker-entrypoint-initdb.d/zzzz-schemagate-doctor.sh, read_only: true }
  app:
    build: { context: . }
    networks: { default: null }
    environment: { PRICE: "5$$" }
    volumes:
      - { type: bind, source: /srv/uploads, target: /uploads, read_only: true, bind: { create_host_path: false } }
      - { type: volume, source: living, target: /shared }
networks: { default: { internal: true }, outside: { internal: true } }
volumes: { db-var-lib-postgresql-data: {}, living: {} }
`),
  )
})

test('the folder of a trial that was killed goes, once its project is gone and no process has its number', () => {
  const directory = mkdtempSync(join(tmpdir(), 'left-behind-'))
  const { pid: ended } = spawnSync(process.execPath, ['--version'])
  const running = `schemagate-doctor-${process.pid}-aaaaaa`
  const left = `schemagate-doctor-${ended}-Bbbbbb`
  for (const name of [running, left, 'schemagate-doctor-x', `schemagate-${ended}-c`]) mkdirSync(join(directory, name))
  removeFolders([left.toLowerCase()], directory)
  expect(readdirSync(directory)).toHaveLength(4)
  removeFolders([], directory)
  expect(readdirSync(directory).toSorted()).toEqual(
    [`schemagate-${ended}-c`, running, 'schemagate-doctor-x'].toSorted(),
  )
  rmSync(directory, { recursive: true })
})
