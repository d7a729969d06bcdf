// What doctor says of files that it cannot read, or can read in part.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Diagnosis, diagnose } from '../../../migrator/doctor/diagnose.ts'
import { root } from '../../../scripts/lib/root.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doctor-input-'))
afterAll(() => rmSync(cwd, { recursive: true }))

const read = (stdin: string, env = {}) => diagnose(['-'], { cwd, env, docker: false, stdin })
const rulesOf = ({ findings }: Diagnosis) => findings.map(({ rule }) => rule.id)

/** Aliases of nine levels, each nine times the one below. */
const bomb = ['x: &l0 [a, a, a]']
for (let i = 1; i < 10; i++)
  bomb.push(
    `l${i}: &l${i} [${Array(9)
      .fill(`*l${i - 1}`)
      .join(', ')}]`,
  )

describe('a file that cannot be read ends with exit code 2, and a message with its place:', () => {
  test.for([
    ['nothing', '', '-:1:1: this is no compose file: it has no `services:`, and nothing else.'],
    ['a comment alone', '# later\n', '-:1:1: this is no compose file: it has no `services:`, and nothing else.'],
    ['a word', 'hello\n', '-:1:1: this is no compose file: it has no `services:`.'],
    ['a list', '- a\n- b\n', '-:1:1: this is no compose file: it has no `services:`.'],
    ['another YAML', 'hello: world\n', '-:1:1: this is no compose file: it has no `services:`.'],
    [
      'broken YAML',
      'services:\n  db:\n    image: [postgres\n',
      '-:4:1: this is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
    ],
    ['tabs', 'services:\n\tdb:\n', '-:2:1: this is no YAML: Tabs are not allowed as indentation.'],
    [
      'two documents',
      'services: {}\n---\na: b\n',
      '-:2:1: a second document begins here. Put it into a file of its own.',
    ],
    [
      'version 1',
      '# old\nweb:\n  image: x\n  links: [db]\ndb:\n  image: postgres\n',
      '-:2:1: this is a compose file of version 1, which Compose no longer reads. Put its services below `services:`.',
    ],
    [
      'Kubernetes',
      'apiVersion: v1\nkind: Pod\nmetadata: {}\n',
      '-:1:1: this is a Kubernetes manifest, and no compose file.',
    ],
    [
      "Helm's templates",
      'services:\n  db:\n    image: postgres\n{{- if .Values.x }}\n  a: b\n{{- end }}\n',
      '-:4:1: this is a template, not yet a compose file ("{{- if .Values.x }}"). Render it, and give doctor what comes out.',
    ],
    [
      "Jinja's",
      'services:\n  db:\n    {% if pinned %}\n    image: postgres:17\n    {% endif %}\n',
      '-:3:5: this is a template, not yet a compose file ("{% if pinned %}"). Render it, and give doctor what comes out.',
    ],
    ['services that are nothing', 'services: null\n', '-:1:11: `services:` must hold services by their names.'],
    ['a list of services', 'services:\n  - db\n', '-:2:3: `services:` must hold services by their names.'],
    [
      'a service that is a word',
      'services:\n  db: postgres\n',
      '-:2:7: the service "db" must be a map, with an image or a build.',
    ],
    [
      'a service without a name',
      'services:\n  ? [a, b]\n  : image: x\n',
      '-:2:5: a service has a name, and this is none.',
    ],
    [
      'an include that is not there',
      'services: {}\ninclude: [other.yml]\n',
      '-:2:10: this names other.yml, and there is no such file.',
    ],
    [
      'extends from a file that is not there',
      'services:\n  a:\n    extends: { file: b.yml, service: c }\n',
      '-:3:14: this names b.yml, and there is no such file.',
    ],
    ['extends of no service', 'services:\n  a:\n    extends: b\n', '-:3:14: there is no service b to extend.'],
    ['a ring of extends', 'services:\n  a:\n    extends: b\n  b:\n    extends: a\n', '-:3:14: a extends itself.'],
    ['an alias of nothing', 'services:\n  a: *b\n', '-:2:6: *b names no anchor that stands before it.'],
    ['a merge of a word', 'services:\n  a:\n    <<: word\n', '-:3:5: `<<` merges maps, and this is none.'],
    [
      'a bomb of aliases',
      `${bomb.join('\n')}\nservices: {}\n`,
      '-:8:10: its aliases name one another until they make more than 2000000 values.',
    ],
    [
      'an alias of what it is in',
      'services: &s\n  db: *s\n',
      '-:2:7: its aliases name one another until they make more than 2000000 values.',
    ],
    ['bytes', 'services:\0', '-:1:1: this is no text in UTF-8, and no compose file.'],
  ] as const)('%s', async ([, text, message]) => {
    await expect(read(text)).rejects.toMatchObject({ exitCode: 2, message })
  })

  test.for([
    ['no.yml', undefined, 'no.yml cannot be read: there is no such file.'],
    ['folder', 'folder', 'folder is a folder. Name the compose file in it.'],
    [
      'image.yml',
      Buffer.from('89504e470d0a1a0a', 'hex'),
      'image.yml:1:1: this is no text in UTF-8, and no compose file.',
    ],
    [
      'wide.yml',
      Buffer.from('\uFEFFservices: {}\n', 'utf16le'),
      'wide.yml:1:1: this is UTF-16, and a compose file is UTF-8. Save it as that.',
    ],
    ['ring.yml', 'include: [ring.yml]\n', 'ring.yml:1:10: its includes come back to themselves.'],
  ] as const)('%s', async ([name, content, message]) => {
    if (content === 'folder') mkdirSync(join(cwd, name))
    else if (content !== undefined) writeFileSync(join(cwd, name), content)
    await expect(diagnose([name], { cwd, env: {}, docker: false })).rejects.toMatchObject({ exitCode: 2, message })
  })

  test('the second of two, where it is the one that is wrong', async () => {
    writeFileSync(join(cwd, 'right.yml'), 'services:\n  db:\n    image: postgres:17\n')
    writeFileSync(join(cwd, 'wrong.yml'), 'services:\n  db: [postgres]\n')
    const both = diagnose(['right.yml', 'wrong.yml'], { cwd, env: {}, docker: false })
    const message = 'wrong.yml:2:7: the service "db" must be a map, with an image or a build.'
    await expect(both).rejects.toMatchObject({ exitCode: 2, message })
  })

  test.for([
    ['a folder', '.', 'is a folder. Name the compose file in it.'],
    ['a device', '/dev/zero', 'is a device, and no file.'],
  ] as const)('what a service extends: %s', async ([, file, message]) => {
    writeFileSync(join(cwd, 'extends.yml'), `services: { db: { extends: { file: ${file}, service: db } } }`)
    const read = diagnose(['extends.yml'], { cwd, env: {}, docker: false })
    await expect(read).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(message) })
  })

  test('no file at all', async () => {
    const message = `There is no compose file in ${cwd}. Go to the folder that has it, or write one first. One elsewhere, or of another name, is taken from COMPOSE_FILE.`
    await expect(diagnose([], { cwd, env: {}, docker: false })).rejects.toMatchObject({ exitCode: 2, message })
  })

  test('one that this user may not read, as a process', () => {
    const path = join(cwd, 'secret.yml')
    writeFileSync(path, 'services: {}\n', { mode: 0o200 })
    chmodSync(cwd, 0o755)
    // root may read everything
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, 'migrator/cli/main.ts'), 'doctor', 'secret.yml'],
      {
        ...{ cwd, encoding: 'utf8', timeout: 60_000 },
        ...user,
      },
    )
    expect(stderr).toContain('secret.yml cannot be read: this user may not read it.')
    expect(status).toBe(2)
  }, 60_000)
})

test('standard input is read by the process that is told so', () => {
  const input = 'services:\n  db:\n    image: postgres:17\n    restart: no\n'
  const args = [join(root, 'migrator/cli/main.ts'), 'doctor', '-']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, input, encoding: 'utf8', timeout: 60_000 })
  expect(stdout).toMatch(/^error unquoted-no db {2}-:4$/m)
  expect(status).toBe(7)
}, 60_000)

test.for(['doctor', 'init --yes', 'create users'])(
  'a folder that is gone is told by %s',
  { timeout: 60_000 },
  words => {
    const gone = join(cwd, 'gone')
    mkdirSync(gone)
    const command = `rmdir "${gone}"; exec "${process.execPath}" "${join(root, 'migrator/cli/main.ts')}" ${words}`
    const options = { cwd: gone, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' } as const
    const { status, stderr } = spawnSync('sh', ['-c', command], options)
    expect([status, stderr]).toEqual([2, expect.stringContaining('The current folder is gone')])
  },
)

test.for([
  ['compose.schemagate.yml', ['doctor', '--fix'], 8, 'doctor did not write it'],
  ['init/1.sql', ['doctor'], 0, ''],
  ['.env', ['init', '--yes'], 0, '.env is no file, and is left as it is. It is to have: COMPOSE_FILE='],
  ['package.json', ['init', '--yes'], 0, ''],
] as const)('a pipe in place of %s holds up nothing', { timeout: 60_000 }, ([name, args, code, said]) => {
  const folder = join(cwd, `pipe-${name.replaceAll('/', '-')}`)
  mkdirSync(join(folder, 'init'), { recursive: true })
  mkdirSync(join(folder, 'migrations'))
  writeFileSync(join(folder, 'migrations/1_a.sql'), 'create table a ();')
  const service = 'image: postgres:17\n    volumes: ["./init:/docker-entrypoint-initdb.d"]'
  writeFileSync(
    join(folder, 'compose.yml'),
    `services:\n  db:\n    ${service}\n  app: { image: app, depends_on: [db], environment: { PGHOST: db } }\n`,
  )
  spawnSync('mkfifo', [join(folder, name)])
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'migrator/cli/main.ts'), ...args],
    // no docker client: it waits for a pipe itself
    { cwd: folder, env: { PATH: '' }, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
  )
  expect([status, stdout + stderr]).toEqual([code, expect.stringContaining(said)])
})

describe('a file that can be read, whatever its form:', () => {
  const plain = 'services:\n  db:\n    image: postgres:17\n'
  const placesOf = ({ findings }: Diagnosis) =>
    findings
      .filter(({ severity }) => severity !== 'note')
      .map(({ rule, service, place }) => `${rule.id} ${service} ${place.line}:${place.column}`)
  const expected = ['no-db-healthcheck db 2:3', 'no-volume db 2:3']

  test.for([
    ['plain', plain],
    ['lines of Windows', plain.replaceAll('\n', '\r\n')],
    ['a mark of the byte order', `\uFEFF${plain}`],
    ['both', `\uFEFF${plain}`.replaceAll('\n', '\r\n')],
    ['a variable in the place of a version', plain.replace('17', '${VERSION}')],
    [
      "Go's words in quotes, as a Swarm takes them",
      plain.replace('postgres:17', '"postgres:17"\n    hostname: "{{.Node.Hostname}}"'),
    ],
    ['a profile', `${plain}    profiles: [data]\n`],
    ['a key that is no text', plain.replace('  db:', '  db:\n    labels: { 1: a, true: b, null: c }')],
  ] as const)('%s', async ([, text]) => {
    expect(placesOf(await read(text))).toEqual(expected)
  })

  test('names that are numbers and truth values', async () => {
    const text = 'services:\n  1:\n    image: postgres:17\n  true:\n    image: a\n    environment: { PGHOST: "1" }\n'
    expect(placesOf(await read(text))).toContain('db-short-form true 4:3')
  })

  test('merge keys, one over the other', async () => {
    const text = `x-a: &a { image: "postgres:17" }\nx-b: &b { <<: *a, restart: no }\nservices:\n  db:\n    <<: [*b, *a]\n`
    expect(placesOf(await read(text))).toEqual(['unquoted-no db 2:19', 'no-db-healthcheck db 4:3', 'no-volume db 4:3'])
  })

  test('a service that another file fills, and one that another file contradicts', async () => {
    writeFileSync(join(cwd, 'base.yml'), 'services:\n  db:\n  cache:\n    image: postgres:17\n')
    writeFileSync(join(cwd, 'more.yml'), 'services:\n  db:\n    image: postgres:17\n  cache:\n    image: redis:8\n')
    const both = await diagnose(['base.yml', 'more.yml'], { cwd, env: {}, docker: false })
    expect(placesOf(both).map(one => one.split(' ')[1])).toEqual(['db', 'db'])
    expect(both.findings[0]!.place.file).toBe('more.yml')
  })

  test('ten thousand services', { timeout: 60_000 }, async () => {
    const apps = Array.from(
      { length: 9_999 },
      (_, i) => `  app${i}: { image: "app:1", depends_on: { db: { condition: service_healthy } } }`,
    )
    const { findings } = await read(`${plain}${apps.join('\n')}\n`)
    expect(findings.map(({ rule }) => rule.id)).toContain('no-migration-seen')
    expect(findings.find(({ rule }) => rule.id === 'no-migration-seen')!.what).toContain('9996 more')
  })

  test('thousands of services, each behind the one before it', { timeout: 60_000 }, async () => {
    const command = 'command: sh -c "alembic upgrade head; uvicorn app"'
    const apps = Array.from(
      { length: 4_000 },
      (_, i) =>
        `  app${i + 1}: { image: "app:1", ${command}, depends_on: { ${i === 0 ? 'db' : `app${i}`}: { condition: service_healthy } } }`,
    )
    const { findings } = await read(`${plain}${apps.join('\n')}\n`)
    expect(findings.map(({ rule }) => rule.id)).toContain('chain-ignores-failure')
  })
})

test('an include from elsewhere is not fetched, and that is said', async () => {
  const { notes } = await read('include:\n  - https://example.com/compose.yml\nservices: {}\n')
  expect(notes).toEqual([expect.stringContaining('which is elsewhere and is not read')])
})

test('an env file without an end is not read, nor is a folder that is called README', async () => {
  mkdirSync(join(cwd, 'README'), { recursive: true })
  const { findings } = await read(
    `services:\n  db: { image: postgres:17 }\n  app: { image: a, env_file: /dev/zero, environment: { PGHOST: db } }\n`,
  )
  expect(findings.map(({ rule }) => rule.id)).toContain('no-migration-seen')
})

test('a variable without a value is unknown, not empty', async () => {
  const text =
    'services:\n  db:\n    image: postgres:17\n    environment: { POSTGRES_USER: "${U}", POSTGRES_DB: "${D}" }\n    healthcheck: { test: "psql -h 127.0.0.1 -U ${U} -d ${D} -c \'select 1\'", start_period: 60s }\n'
  expect(rulesOf(await read(text))).not.toContain('healthcheck-other-database')
  expect(rulesOf(await read(text.replace('-U ${U}', '-U ${V}')))).toContain('healthcheck-other-database')
})

test('a port without a value makes no other variable empty', async () => {
  const text =
    'services:\n  db:\n    image: postgres:17\n    ports: ["${PORT:-5432}:5432"]\n    environment: { POSTGRES_DB: "${D}", PGPORT: "${PORT}" }\n'
  for (const docker of [true, false]) {
    const { PATH } = process.env
    const { stack } = await diagnose(['-'], { cwd, env: { PATH }, docker, stdin: text })
    expect(stack.compose.readBy).toBe(docker ? 'docker compose config' : 'the YAML alone')
    expect(stack.members.get('db')!.service.environment.POSTGRES_DB).toBe('${D}')
  }
})

test('a variable of an extended file is unknown, and one of an included file has the value there', async () => {
  const folder = join(cwd, 'unset-elsewhere')
  mkdirSync(join(folder, 'more'), { recursive: true })
  const pg = (database: string) =>
    `services:\n  pg: { image: "postgres:17", environment: { POSTGRES_DB: "${database}" } }\n`
  writeFileSync(join(folder, 'base.yml'), pg('${D}'))
  writeFileSync(join(folder, 'more', 'compose.yml'), pg('${E}').replace('pg:', 'other:'))
  writeFileSync(join(folder, 'more', '.env'), 'E=e\n')
  writeFileSync(
    join(folder, 'compose.yml'),
    'include: [more/compose.yml]\nservices:\n  db: { extends: { file: base.yml, service: pg } }\n',
  )
  const { PATH } = process.env
  for (const docker of [true, false]) {
    const { stack } = await diagnose([], { cwd: folder, env: { PATH }, docker })
    const nameOf = (name: string) => stack.members.get(name)!.service.environment.POSTGRES_DB
    expect([stack.compose.readBy, nameOf('db'), nameOf('other')]).toEqual([
      docker ? 'docker compose config' : 'the YAML alone',
      '${D}',
      'e',
    ])
  }
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

test.for([
  ['pg_isready -U shop', 'POSTGRES_USER: shop', false],
  ['pg_isready -U shop', 'POSTGRES_USER: shop, POSTGRES_DB: shop', false],
  ['pg_isready -U $$POSTGRES_USER', 'POSTGRES_USER: shop', false],
  ['pg_isready -U postgres', 'POSTGRES_PASSWORD: x', false],
  ['pg_isready -U shop', 'POSTGRES_USER: shop, POSTGRES_DB: orders', true],
  ['pg_isready', 'POSTGRES_PASSWORD: x', true],
] as const)(
  'without -d %s asks for the database that is called as its user: %s',
  async ([test, environment, isOther]) => {
    const rules = rulesOf(
      await read(
        `services:\n  db: { image: "postgres:17", environment: { ${environment} }, healthcheck: { test: ${test} } }\n`,
      ),
    )
    expect(rules.includes('healthcheck-other-database')).toBe(isOther)
  },
)

test.for([
  ['registry.example.com/acme/postgresql:16.4.0', '/bitnami/postgresql', false],
  ['postgres:16', '/bitnami/postgresql', true],
  ['registry.example.com/acme/postgresql:16.4.0', '/bitnami/data', true],
] as const)('%s with a volume at %s', async ([image, target, isMissing]) => {
  const text = `services:\n  db: { image: "${image}", volumes: ["data:${target}"] }\nvolumes: { data: {} }\n`
  expect(rulesOf(await read(text)).includes('no-volume')).toBe(isMissing)
})

test.for([
  ['exit 0', true],
  ['["CMD", "true"]', true],
  ['"psql -h 127.0.0.1 -U postgres -c \'select 1\' || exit 0"', true],
  ['["CMD", "sh", "-c", "psql -h 127.0.0.1 -U postgres -c \'select 1\'; true"]', true],
  ['"psql -h 127.0.0.1 -U postgres -c \'select 1\' || exit 1"', false],
  ['"psql -h 127.0.0.1 -U postgres -c \'select 1\' && echo ok"', false],
  ['"if psql -h 127.0.0.1 -U postgres -c \'select 1\'; then exit 0; else exit 1; fi"', false],
] as const)('the health check %s never fails', async ([check, expected]) => {
  const text = `services:\n  db: { image: "postgres:17", healthcheck: { test: ${check} } }\n  app: { image: a, environment: { PGHOST: db }, healthcheck: { test: ${check} } }\n`
  const { findings } = await read(text)
  const never = findings.filter(({ what }) => what.includes('never fails')).map(({ service }) => service)
  expect(never).toEqual(expected ? ['db', 'app'] : [])
})
