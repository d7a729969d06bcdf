// A stack of several files: where a finding stands, what a comment silences, and what an overlay keeps.

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { makeOverlay } from '../../../migrator/doctor/overlay/fix.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

function project(files: Record<string, string>, docker = false) {
  const cwd = writtenFolder(files)
  const env = docker ? { PATH: process.env.PATH, HOME: process.env.HOME } : {}
  return { options: { cwd, env, docker }, names: Object.keys(files).filter(name => name.endsWith('.yml')) }
}

async function placesOf(files: Record<string, string>) {
  const { options, names } = project(files)
  const { findings, notes } = await diagnose(names, options)
  return { notes, places: findings.map(({ rule, place }) => `${rule.id} ${place.file}:${place.line}`) }
}

const ignored = `services:
  db: { image: "postgres:17" }
  # schemagate-ignore: migrate-in-app there is one of it
  app:
    image: example/app:1
    command: sh -c "alembic upgrade head && ./server"
    environment: { PGHOST: db }
`
const ports = 'services:\n  app:\n    ports: ["80:80"]\n'

test('a comment at a service silences also where a further file has the service', async () => {
  const { places, notes } = await placesOf({ 'compose.yml': ignored, 'more.yml': ports })
  expect(places.filter(place => place.startsWith('migrate-in-app'))).toEqual([])
  expect(notes.filter(note => note.includes('schemagate-ignore'))).toEqual([])
})

test('what no line says stands where the service begins, not where a further file adds to it', async () => {
  const { places } = await placesOf({
    'compose.yml': 'services:\n  app: { image: a, environment: { PGHOST: db } }\n  db: { image: "postgres:17" }\n',
    'more.yml': 'services:\n  db: { restart: always }\n',
  })
  expect(places).toContain('no-migration-seen compose.yml:3')
  expect(places).toContain('no-db-healthcheck compose.yml:3')
})

test('an item of a list that several files make stands in the file that has it', async () => {
  const { places } = await placesOf({
    'compose.yml': 'services:\n  db:\n    image: postgres:17\n    ports:\n      - 127.0.0.1:5432:5432\n',
    'more.yml': 'services:\n  db:\n    restart: always\n    ports:\n      - 127.0.0.1:5433:5432\n      - 5434:5432\n',
  })
  expect(places).toContain('port-published more.yml:6')
  const other = await placesOf({
    'compose.yml': 'services:\n  db:\n    image: postgres:17\n    ports:\n      - 5432:5432\n',
    'more.yml': 'services:\n  db:\n    restart: always\n    ports:\n      - 127.0.0.1:5433:5432\n',
  })
  expect(other.places).toContain('port-published compose.yml:5')
})

test.for([
  ['the YAML alone', false],
  ['docker', true],
] as const)('a service that a further file takes away is none, read by %s', async ([, docker]) => {
  const { options, names } = project(
    {
      'compose.yml':
        'services:\n  db: { image: "postgres:17" }\n  old: { image: a, environment: { PGHOST: db }, depends_on: [db] }\n',
      'more.yml': 'services:\n  old: !reset null\n',
    },
    docker,
  )
  const { stack, findings } = await diagnose(names, options)
  expect([...stack.members.keys()]).toEqual(['db'])
  expect(findings.filter(({ service }) => service !== 'db')).toEqual([])
})

const mounts = `services:
  db:
    image: postgres:17
    environment: { POSTGRES_PASSWORD: "\${DB_PASSWORD}" }
    volumes:
      - data:/var/lib/postgresql/data
      - ./postgresql.conf:/etc/postgresql/postgresql.conf:ro
      - ./schema.sql:/docker-entrypoint-initdb.d/schema.sql
      - type: volume
        source: backups
        target: /backups
        read_only: true
        volume: { nocopy: true }
      - /scratch
  app: { image: example/app:1, environment: { PGHOST: db } }
volumes: { data: , backups: }
`

test.for([
  ['the YAML alone', false],
  ['docker', true],
] as const)('the other volumes of a database stay as they are written, read by %s', async ([, docker]) => {
  const { options, names } = project({ 'compose.yml': mounts, 'schema.sql': 'create table a ();' }, docker)
  const { text } = await makeOverlay(await diagnose(names, options), options)
  const { db, migrator } = parse(text.replace('!override', '')).services
  expect(db.volumes).toEqual([
    'data:/var/lib/postgresql/data',
    './postgresql.conf:/etc/postgresql/postgresql.conf:ro',
    { type: 'volume', source: 'backups', target: '/backups', read_only: true, volume: { nocopy: true } },
    '/scratch',
  ])
  expect(migrator.volumes).toEqual(['./schema.sql:/migrations/0001_schema.sql:ro'])
})
