// What doctor says of files that it cannot read, or can read in part.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Diagnosis, diagnose } from '../../../migrator/doctor/diagnose.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doctor-input-'))
afterAll(() => rmSync(cwd, { recursive: true }))

const read = (stdin: string, env = {}) => diagnose(['-'], { cwd, env, docker: false, stdin })
const rulesOf = ({ findings }: Diagnosis) => findings.map(({ rule }) => rule.id)

describe('a file that cannot be read ends with exit code 2:', () => {
  test.for([
    ['nothing', '', /-:1: this is no compose file: it has no `services:`, and nothing else/],
    ['a list', '- a\n- b\n', /-:1: this is no compose file/],
    ['another YAML', 'hello: world\n', /-:1: this is no compose file/],
    ['broken YAML', 'services:\n  db:\n    image: [postgres\n', /^-:\d+:\d+: this is no YAML/],
    ['version 1', 'web:\n  image: x\n  links: [db]\ndb:\n  image: postgres\n', /compose file of version 1/],
    ['Kubernetes', 'apiVersion: v1\nkind: Pod\nmetadata: {}\n', /Kubernetes manifest/],
    [
      'a template',
      'services:\n  db:\n    image: postgres\n{{- if .Values.x }}\n  a: b\n{{- end }}\n',
      /-:4: this is a template/,
    ],
    ['a list of services', 'services:\n  - db\n', /`services:` must hold services by their names/],
    ['a service that is a word', 'services:\n  db: postgres\n', /the service "db" must be a map/],
    [
      'an include that is not there',
      'include: [other.yml]\nservices: {}\n',
      /names other\.yml, and there is no such file/,
    ],
    [
      'extends from nowhere',
      'services:\n  a:\n    extends: { file: b.yml, service: c }\n',
      /names b\.yml, and there is no such/,
    ],
  ] as const)('%s', async ([, text, message]) => {
    await expect(read(text)).rejects.toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    )
  })

  test('a file that is not there', async () => {
    await expect(diagnose(['no.yml'], { cwd, env: {}, docker: false })).rejects.toThrow(
      'no.yml cannot be read: there is no such file.',
    )
  })

  test('no file at all', async () => {
    await expect(diagnose([], { cwd, env: {}, docker: false })).rejects.toThrow('There is no compose file in')
  })

  test('a bomb of aliases', async () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)
    await expect(read(`x: &l0 [a, a, a]\n${levels.join('\n')}\nservices: {}\n`)).rejects.toThrow(/alias/)
    await expect(read('x: &x [*x]\nservices: {}\n')).rejects.toThrow(/alias/)
  })
})

test('an include from elsewhere is not fetched, and that is said', async () => {
  const { notes } = await read('include:\n  - https://example.com/compose.yml\nservices: {}\n')
  expect(notes).toEqual([expect.stringContaining('which is elsewhere and is not read')])
})

test('a variable without a value is unknown, not empty', async () => {
  const text =
    'services:\n  db:\n    image: postgres:17\n    environment: { POSTGRES_USER: "${U}", POSTGRES_DB: "${D}" }\n    healthcheck: { test: "psql -h 127.0.0.1 -U ${U} -d ${D} -c \'select 1\'", start_period: 60s }\n'
  expect(rulesOf(await read(text))).not.toContain('healthcheck-other-database')
  expect(rulesOf(await read(text.replace('-U ${U}', '-U ${V}')))).toContain('healthcheck-other-database')
})

test('a .env beside the file counts, and the environment wins over it', async () => {
  const folder = join(cwd, 'with-env')
  mkdirSync(folder)
  writeFileSync(join(folder, '.env'), 'DB_IMAGE=mysql:8\n')
  writeFileSync(join(folder, 'compose.yml'), 'services:\n  data:\n    image: ${DB_IMAGE}\n')
  const options = { cwd: folder, docker: false }
  expect(rulesOf(await diagnose([], { ...options, env: {} }))).toEqual([])
  expect(rulesOf(await diagnose([], { ...options, env: { DB_IMAGE: 'postgres:17' } }))).toContain('no-db-healthcheck')
})

test('an overlay is laid over, with what it takes away', async () => {
  const folder = join(cwd, 'overlay')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'compose.yml'),
    'services:\n  db:\n    image: postgres:17\n    ports: ["5432:5432"]\n    restart: no\n',
  )
  writeFileSync(join(folder, 'over.yml'), 'services:\n  db:\n    ports: !reset null\n    restart: "no"\n')
  const options = { cwd: folder, env: {}, docker: false }
  expect(rulesOf(await diagnose(['compose.yml'], options))).toEqual(
    expect.arrayContaining(['unquoted-no', 'port-published']),
  )
  const both = rulesOf(await diagnose(['compose.yml', 'over.yml'], options))
  expect(both).not.toContain('unquoted-no')
  expect(both).not.toContain('port-published')
})

test('lines are those of the file, through anchors and merge keys', async () => {
  const text = `x-common: &common
  restart: unless-stopped
  environment: { DATABASE_URL: postgres://u@db/d }
services:
  db:
    image: postgres:17
  migrate:
    <<: *common
    image: app
    command: alembic upgrade head
`
  const { findings } = await read(text)
  const places = Object.fromEntries(findings.map(({ rule, place }) => [rule.id, `${place.line}:${place.column}`]))
  expect(places).toMatchObject({ 'one-shot-restarts': '2:3', 'no-db-healthcheck': '5:3', 'db-short-form': '7:3' })
})

describe('a comment that silences', () => {
  const file = (comment: string) => `services:\n  db:\n    image: postgres:17 # ${comment}\n`

  test('one place, with a reason', async () => {
    const { findings, silenced, notes } = await read(
      file('schemagate-ignore: floating-tag pinned elsewhere').replace(':17', ''),
    )
    expect(findings.map(({ rule }) => rule.id)).not.toContain('floating-tag')
    expect(silenced.map(({ rule }) => rule.id)).toEqual(['floating-tag'])
    expect(notes).toEqual([])
  })

  test.for([
    ['schemagate-ignore: floating-tag', /silences nothing without a reason/],
    ['schemagate-ignore: flaoting-tag because', /names no rule: "flaoting-tag"/],
    ['schemagate-ignore: fixed-step because', /silences nothing, and can go/],
  ] as const)('is complained of: %s', async ([comment, complaint]) => {
    expect((await read(file(comment))).notes).toEqual([expect.stringMatching(complaint)])
  })
})
