// What init finds in a project, what it would write, and what it leaves alone.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { doctor } from '../../../migrator/doctor/doctor.ts'
import { init } from '../../../migrator/init/init.ts'
import { root } from '../../../scripts/lib/root.ts'

const overlay = 'compose.schemagate.yml'
const workflow = '.github/workflows/schemagate.yml'

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'init-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** An example as it was before. */
function asItWas(example: string): string {
  const folder = folderWith({})
  cpSync(join(root, 'examples', example), folder, { recursive: true, filter: path => !path.endsWith(overlay) })
  return folder
}

interface Given {
  readonly dryRun?: boolean
  readonly server?: string
  readonly app?: string
  readonly migrations?: string
  readonly command?: string
}

async function run(cwd: string, given: Given = {}) {
  const lines: string[] = []
  const print = (text: string) => void lines.push(text)
  const exitCode = await init({
    dryRun: given.dryRun ?? false,
    asking: { isInteractive: false, print },
    database: given.server,
    app: given.app,
    migrations: given.migrations,
    command: given.command,
    diagnose: { cwd, env: {}, docker: false },
    color: false,
    width: 120,
    print,
  })
  return { exitCode, text: lines.join('\n') }
}

const contentOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .map(path => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  )

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const servicesOf = (folder: string) => parse(read(folder, overlay), { logLevel: 'silent' }).services
const done = { condition: 'service_completed_successfully' }

const database = 'image: postgres:17\n    environment: { POSTGRES_USER: shop, POSTGRES_DB: shop, POSTGRES_PASSWORD: x }'
const url = 'DATABASE_URL: postgres://shop:x@db/shop'
const sqlProject = {
  'compose.yml': `services:\n  db:\n    ${database}\n  api:\n    image: shop/api:1\n    environment: { ${url} }\n    depends_on: [db]\n`,
  'migrations/0001_users.sql': 'create table users (id int);\n',
}

describe('in an example as it was before, init finds what migrates, and puts a gate before each app:', () => {
  test.for([
    ['fastapi-alembic', 'Alembic in ., with the image of api', 'migrate', ['api']],
    ['django', 'Django in ., with the image of web', 'migrate', ['web']],
    ['prisma', 'migrate', 'migrate', ['web']],
    ['goose', 'goose', 'goose', ['api']],
    ['golang-migrate', 'migrate', 'migrate', ['api']],
    ['flyway', 'flyway', 'flyway', ['api', 'reports']],
  ] as const)('%s', async ([example, how, migrator, apps]) => {
    const folder = asItWas(example)
    const { exitCode, text } = await run(folder)
    expect(text).toContain(`Database: db\nMigrated by: ${how}\nApplications: ${apps.join(', ')}\n`)
    const services = servicesOf(folder)
    for (const app of apps) expect(services[app].depends_on[migrator], app).toMatchObject(done)
    expect(services.db.healthcheck.test[1]).toContain('psql -X -h 127.0.0.1')
    expect(read(folder, '.env')).toContain(`COMPOSE_FILE=compose.yaml:${overlay}\n`)
    expect(read(folder, overlay)).toContain('delete this file, and the line of .env that names it.')
    const { jobs } = parse(read(folder, workflow))
    expect(jobs.gate.steps.at(-1).with).toMatchObject({
      migrator,
      app: apps.join(' '),
      'health-url': 'http://127.0.0.1:8000/',
    })
    // an overlay orders the start alone
    expect(text).toContain('`schemagate follow` (docs/follow.md)')
    // of itself doctor finds no error any more
    expect(text).toMatch(/0 errors, \d+ warnings?/)
    expect(exitCode).toBe(0)
  })

  test("the one-shot of Alembic is the app's image with Alembic's command", async () => {
    const folder = asItWas('fastapi-alembic')
    await run(folder)
    expect(servicesOf(folder).migrate).toMatchObject({
      build: '.',
      entrypoint: ['sh', '-ec'],
      command: ['alembic upgrade head'],
      restart: 'no',
      environment: { DATABASE_URL: 'postgresql+psycopg://shop:shop@db/shop' },
    })
  })

  test("the one-shot of Django is the command of the app's entrypoint", async () => {
    const folder = asItWas('django')
    await run(folder)
    expect(servicesOf(folder).migrate.command).toEqual(['python3 manage.py migrate --noinput'])
  })

  test.each([
    ['npm start', { start: 'knex migrate:latest && node server.js' }, 'knex migrate:latest'],
    [
      'npm run all',
      { all: 'npm run migrate && node server.js', migrate: 'knex migrate:latest' },
      'knex migrate:latest',
    ],
    ['yarn start', { start: 'NODE_ENV=x knex migrate:latest && node .' }, 'NODE_ENV=x knex migrate:latest'],
  ])(
    "the one-shot of a package's script (%s) finds the programs that the script finds",
    async (start, scripts, migrates) => {
      const folder = folderWith({
        'compose.yml': `services:\n  db:\n    ${database}\n  api:\n    build: .\n    environment: { ${url} }\n`,
        Dockerfile: `FROM node:26\nCMD ["sh", "-c", "${start}"]\n`,
        'package.json': JSON.stringify({ scripts }),
      })
      await run(folder)
      expect(servicesOf(folder).migrate).toMatchObject({
        entrypoint: ['sh', '-ec'],
        command: [`PATH="./node_modules/.bin:$$PATH" ${migrates}`],
      })
    },
  )

  test("what finds its own programs is taken as a package's script has it", async () => {
    const folder = folderWith({
      'compose.yml': `services:\n  db:\n    ${database}\n  api:\n    build: .\n    environment: { ${url} }\n`,
      Dockerfile: 'FROM node:26\nCMD ["npm", "start"]\n',
      'package.json': JSON.stringify({ scripts: { start: 'npx prisma migrate deploy && node server.js' } }),
    })
    await run(folder)
    expect(servicesOf(folder).migrate.command).toEqual(['npx prisma migrate deploy'])
  })

  test('a migrator that is started again for ever after a failure is given a limit', async () => {
    const folder = asItWas('golang-migrate')
    await run(folder)
    expect(servicesOf(folder).migrate.restart).toBe('on-failure:5')
  })

  test('a migrator behind a profile is taken out of it', async () => {
    const folder = asItWas('prisma')
    await run(folder)
    expect(read(folder, overlay)).toContain('profiles: !reset null')
  })
})

describe('a folder of SQL', () => {
  test("is run by schemagate's migrator, whose image .env names", async () => {
    const folder = folderWith(sqlProject)
    const { text } = await run(folder)
    expect(text).toContain('Migrated by: SQL files in migrations\n')
    const services = servicesOf(folder)
    expect(services.migrate).toMatchObject({
      image: '${SCHEMAGATE_MIGRATOR_IMAGE:-schemagate-migrator}',
      environment: { PGHOST: 'db', PGUSER: 'shop', PGDATABASE: 'shop', PGPASSWORD: 'x' },
      volumes: ['./migrations:/migrations:ro'],
    })
    expect(services.api.depends_on.migrate).toMatchObject(done)
    expect(read(folder, '.env')).toContain('SCHEMAGATE_MIGRATOR_IMAGE=schemagate-migrator\n')
    expect(text).toContain('docker build --tag schemagate-migrator node_modules/schemagate\n')
  })

  test('has a job in CI that builds that image, and is given what the files have no default of', async () => {
    const folder = folderWith({
      ...sqlProject,
      'compose.yml': sqlProject['compose.yml'].replace(
        url,
        "DATABASE_URL: 'postgres://shop:${DB_PASSWORD}@${DB_HOST:-db}/shop'",
      ),
    })
    await run(folder)
    const { env, steps } = parse(read(folder, workflow)).jobs.gate
    expect(env).toEqual({ DB_PASSWORD: '${{ secrets.DB_PASSWORD }}' })
    // doctor wants a newer Node than the machine may have
    expect(steps[1]).toMatchObject({ uses: expect.stringContaining('setup-node'), with: { 'node-version': 24 } })
    expect(steps[2].run).toContain('docker build --tag schemagate-migrator')
    const own = asItWas('django')
    await run(own)
    const { jobs } = parse(read(own, workflow))
    expect(jobs.gate).not.toHaveProperty('env')
    expect(jobs.gate.steps).toHaveLength(3)
  })

  test('in a Node project with a driver comes with the lines of the gate', async () => {
    const withNode = { ...sqlProject, 'package.json': '{"dependencies":{"pg":"^8.23.1"}}' }
    const node = await run(folderWith(withNode))
    // made once by hand, it would not know the next migration
    expect(node.text).toContain('COPY migrations /migrations\n  RUN node /schemagate/schemagate.cjs manifest')
    expect(node.text).toContain("from 'schemagate-gate'")
    expect(node.text).toContain('app.use(gateMiddleware(gate))')
    expect((await run(folderWith(sqlProject))).text).not.toContain("from 'schemagate-gate'")
  })

  test('can be named, and so can a command', async () => {
    const files = { ...sqlProject, 'other/0001_x.sql': 'select 1;\n' }
    const folder = folderWith(files)
    await run(folder, { migrations: 'other' })
    expect(servicesOf(folder).migrate.volumes).toEqual(['./other:/migrations:ro'])
    const second = folderWith(files)
    await run(second, { command: './migrate.sh' })
    expect(servicesOf(second).migrate).toMatchObject({ image: 'shop/api:1', command: ['./migrate.sh'] })
  })
})

describe("SQL that the database's first start runs", () => {
  const mounted = (source: string, target: string) =>
    sqlProject['compose.yml'].replace(
      database,
      `${database}\n    volumes: ['./${source}:/docker-entrypoint-initdb.d/${target}']`,
    )

  test('is taken from there, and given to the migrator', async () => {
    const folder = folderWith({ 'compose.yml': mounted('sql/', ''), 'sql/1_users.sql': 'create table users ();\n' })
    const { text } = await run(folder)
    expect(text).toContain('Migrated by: SQL files in sql\n')
    const { db, migrate, migrator } = servicesOf(folder)
    expect(db.volumes).toEqual([])
    expect(migrator.volumes).toEqual(['./sql/:/migrations:ro'])
    expect(migrate).toBeUndefined()
    expect(text).toContain('docker compose run --rm migrator baseline NAME\n')
    expect(read(folder, '.env')).toContain('SCHEMAGATE_MIGRATOR_IMAGE=schemagate-migrator\n')
  })

  test('comes into the manifest by the name that it gets', async () => {
    const { text } = await run(
      folderWith({
        'compose.yml': mounted('db/init.sql', 'init.sql'),
        'db/init.sql': 'create table users ();\n',
        'package.json': '{"dependencies":{"pg":"^8.23.1"}}',
      }),
    )
    expect(text).toContain('COPY db/init.sql /migrations/0001_init.sql\n')
  })

  test('is told to be taken out where that cannot be done by an overlay', async () => {
    const { text } = await run(
      folderWith({
        'compose.yml': sqlProject['compose.yml'].replace(
          /image: postgres:\d+/,
          'build: { context: ., dockerfile: pg.Dockerfile }',
        ),
        'pg.Dockerfile': 'FROM postgres:17\nCOPY migrations /docker-entrypoint-initdb.d/\n',
        'migrations/1_users.sql': 'create table users ();\n',
      }),
    )
    expect(text).toContain('Take that out of /docker-entrypoint-initdb.d')
  })
})

test('what could not be read is said before what was not found for it', async () => {
  const folder = folderWith({
    'compose.yml':
      'include: ["https://example.com/shop.git"]\nservices: { db: { image: "postgres:17" }, web: { image: shop/web } }\n',
  })
  const printed: string[] = []
  const print = (text: string) => void printed.push(text)
  const given = { database: undefined, app: undefined, migrations: undefined, command: 'x' }
  const options = { dryRun: true, asking: { isInteractive: false, print }, ...given, color: false, width: 120, print }
  await expect(init({ ...options, diagnose: { cwd: folder, env: {}, docker: false } })).rejects.toThrow('uses db')
  expect(printed).toContainEqual(expect.stringMatching(/^Note: .*example\.com/))
})

test('a command has what else its app waits for, but nothing that waits for the command', async () => {
  const folder = folderWith({
    'compose.yml': `
services:
  db: { image: "postgres:17" }
  redis: { image: "redis:7", env_file: .env }
  proxy: { image: "nginx:1", depends_on: [worker] }
  mail: { image: "shop/mail" }
  web:
    image: shop/web:1
    env_file: .env
    depends_on:
      db: { condition: service_started }
      redis: { condition: service_started }
      proxy: { condition: service_started }
      mail: { condition: service_started, required: false }
  worker: { image: "shop/web:1", env_file: .env, depends_on: [db, redis] }
`,
    '.env': 'POSTGRES_HOST=db\nPOSTGRES_USERNAME=shop\n',
  })
  await run(folder, { command: 'rails db:prepare', app: 'web' })
  const { migrate, ...others } = servicesOf(folder)
  expect(migrate.depends_on).toEqual({
    db: { condition: 'service_healthy' },
    redis: { condition: 'service_started' },
    mail: { condition: 'service_started', required: false },
  })
  // an env file that the whole stack has makes no client of a cache
  expect(Object.keys(others).sort()).toEqual(['db', 'web', 'worker'])
})

describe('nothing of the project is changed', () => {
  test('by --dry-run, which shows all of it', async () => {
    const folder = folderWith(sqlProject)
    const { text, exitCode } = await run(folder, { dryRun: true })
    expect(contentOf(folder)).toEqual(sqlProject)
    for (const name of [overlay, '.env', workflow]) expect(text).toContain(`--- ${name} (new)\n`)
    expect(text).toContain('Nothing was written (--dry-run).')
    expect(exitCode).toBe(0)
  })

  test('where a file is there already', async () => {
    const there = { ...sqlProject, [overlay]: 'services: {}\n', [workflow]: 'name: mine\n' }
    const folder = folderWith(there)
    const { text } = await run(folder)
    expect(contentOf(folder)).toMatchObject(there)
    expect(text).toContain(`${overlay} is there already, and is left as it is.`)
    expect(text).toContain(`${workflow} is there already, and is left as it is.`)
  })

  test('by doctor --fix before it, whose overlay is one of the files then', async () => {
    const folder = folderWith(sqlProject)
    const quiet = () => {}
    await doctor({
      ...{ files: [], format: 'text', all: false, fix: true, trial: false, signal: AbortSignal.timeout(30_000) },
      ...{ color: false, width: 120, print: quiet, say: quiet, diagnose: { cwd: folder, env: {}, docker: false } },
    })
    const written = read(folder, overlay)
    const { exitCode, text } = await run(folder)
    expect(exitCode, text).toBe(0)
    expect(text).toContain(`${overlay}, which doctor has written, is one of the files from now on.`)
    expect(read(folder, overlay)).toBe(written)
    const further = 'compose.schemagate.db.yml'
    expect(read(folder, '.env')).toContain(`COMPOSE_FILE=compose.yml:${overlay}:${further}`)
    expect(parse(read(folder, further)).services.api.depends_on).toMatchObject({ migrate: done })
    expect(read(folder, workflow)).toContain('migrator: migrate\n')
  })

  test('but for lines at the end of .env, and what it sets already is told', async () => {
    const folder = folderWith({ ...sqlProject, '.env': 'COMPOSE_FILE=compose.yml\nDEBUG=1' })
    const { text } = await run(folder)
    expect(read(folder, '.env')).toMatch(
      /^COMPOSE_FILE=compose\.yml\nDEBUG=1\n# schemagate.*\nSCHEMAGATE_MIGRATOR_IMAGE=/,
    )
    expect(text).toContain(`.env has COMPOSE_FILE=compose.yml already. Make it compose.yml:${overlay}.`)
    expect(text).toContain(`To undo it, delete ${overlay}, ${workflow}, the last lines of .env.`)
  })

  test('by a second run', async () => {
    const folder = folderWith(sqlProject)
    await run(folder)
    const once = contentOf(folder)
    const { text } = await run(folder)
    expect(contentOf(folder)).toEqual(once)
    expect(text).toContain('There is nothing to write.')
  })
})

test('what undoes it is told, and undoes it', async () => {
  const folder = folderWith(sqlProject)
  const { text } = await run(folder)
  expect(text).toContain(`To undo it, delete ${overlay}, .env, ${workflow}.`)
  for (const name of [overlay, '.env', workflow]) rmSync(join(folder, name))
  expect(contentOf(folder)).toEqual(sqlProject)
})

test('a compose file in another folder has its overlay beside it, and the rest where it is looked for', async () => {
  const compose = sqlProject['compose.yml'].replace('image: shop/api:1', 'build: ..')
  const folder = folderWith({
    '.git/HEAD': '',
    'shop/.env': 'COMPOSE_FILE=docker/stack.yml\n',
    'shop/docker/stack.yml': compose,
    'shop/package.json': '{"dependencies":{"pg":"8"}}',
    'shop/migrations/0001_users.sql': 'create table users (id int);\n',
  })
  const { exitCode, text } = await run(join(folder, 'shop'), { migrations: 'migrations' })
  expect(exitCode, text).toBe(0)
  const both = 'docker/stack.yml:docker/compose.schemagate.yml'
  expect(text).toContain(`.env has COMPOSE_FILE=docker/stack.yml already. Make it ${both}.`)
  expect(text).toContain('Written. To undo it, delete docker/compose.schemagate.yml, ../.github/workflows/')
  expect(text).toContain('import { createGate')
  expect(read(folder, `shop/docker/${overlay}`)).toContain('-f docker/stack.yml -f docker/compose.schemagate.yml up')
  expect(servicesOf(join(folder, 'shop/docker')).migrate.volumes).toEqual(['./../migrations:/migrations:ro'])
  expect(read(folder, workflow)).toContain('compose-files: shop/docker/stack.yml:shop/docker/compose.schemagate.yml\n')
  expect(read(folder, 'shop/.env')).toContain('SCHEMAGATE_MIGRATOR_IMAGE=')
})

test('of two databases the first is taken, which is told, unless --server names the other', async () => {
  const two = `services:
  db:
    ${database}
  other:
    ${database}
  api:
    image: shop/api:1
    environment: { ${url} }
  jobs:
    image: shop/jobs:1
    environment: { DATABASE_URL: "postgres://shop:x@other/shop" }
`
  const files = { ...sqlProject, 'compose.yml': two }
  const first = await run(folderWith(files), { dryRun: true })
  expect(first.text).toContain('Which database? The first of db, other; --server names another.')
  expect(first.text).toContain('Database: db\n')
  const folder = folderWith(files)
  expect((await run(folder, { server: 'other' })).text).toContain('Database: other\n')
  expect(servicesOf(folder).jobs.depends_on.migrate).toMatchObject(done)
  expect(servicesOf(folder).api?.depends_on?.migrate).toBeUndefined()
})

test('a further database has an overlay of its own over the first one, which is left as it is', async () => {
  const two = `services:\n  db:\n    ${database}\n  other:\n    ${database}\n  api:\n    image: shop/api:1\n    environment: { ${url} }\n  jobs:\n    image: shop/jobs:1\n    environment: { DATABASE_URL: "postgres://shop:x@other/shop" }\n`
  const folder = folderWith({ ...sqlProject, 'compose.yml': two })
  await run(folder)
  const first = read(folder, overlay)
  const { text, exitCode } = await run(folder, { server: 'other', command: './migrate.sh' })
  expect(read(folder, overlay)).toBe(first)
  const further = 'compose.schemagate.other.yml'
  expect(read(folder, further)).toContain(`-f compose.yml -f ${overlay} -f ${further} up`)
  expect(parse(read(folder, further)).services.jobs.depends_on['schemagate-migrate']).toMatchObject(done)
  expect(text).toContain(`Make it compose.yml:${overlay}:${further}.`)
  expect(text).not.toContain('no-migration-seen')
  expect(exitCode).toBe(0)
})

test('of apps that share a build context, each has what is beside its Dockerfile', async () => {
  const part = (name: string) =>
    `  ${name}-db:\n    ${database}\n  ${name}:\n    build: { context: ., dockerfile: apps/${name}/Dockerfile }\n    environment: { DATABASE_URL: "postgres://shop:x@${name}-db/shop" }\n`
  const folder = folderWith({
    'compose.yml': `services:\n${part('bills')}${part('orders')}`,
    ...Object.fromEntries(['bills', 'orders'].map(name => [`apps/${name}/Dockerfile`, 'FROM a\nCMD ["server"]\n'])),
    'apps/bills/knexfile.js': '',
    'apps/orders/drizzle.config.ts': '',
  })
  const { text } = await run(folder, { server: 'orders-db', dryRun: true })
  expect(text).toContain('Migrated by: Drizzle in apps/orders, with the image of orders\n')
  await run(folder, { server: 'bills-db' })
  expect(servicesOf(folder).migrate.command).toEqual(['npx knex migrate:latest'])
})

test.each([
  ['migration:run', 'typeorm migration:run -d data-source.js', 'TypeORM'],
  ['migrate:up', 'mikro-orm migration:up', 'MikroORM'],
  ['db:migrate', 'kysely migrate:latest', 'Kysely'],
])('a script of package.json that migrates is taken: %s', async (script, command, tool) => {
  const scripts = { start: 'node server.js', 'migration:revert': 'typeorm migration:revert', [script]: command }
  const folder = folderWith({
    'compose.yml': sqlProject['compose.yml'],
    'package.json': JSON.stringify({ scripts }),
    'migrations/1700000000000-a.ts':
      "import type { Kysely } from 'kysely'\nexport const up = (db: Kysely<unknown>) => db\n",
  })
  const { text } = await run(folder)
  expect(text).toContain(`Migrated by: ${tool} in ., with the image of api\n`)
  expect(servicesOf(folder).migrate.command).toEqual([`npm run ${script}`])
})

test("of several databases of a server the project's own is taken, and each is told with who uses it", async () => {
  const services = (more: string) => `services:
  db:
    ${database}
  auth:
    image: supabase/gotrue:v2
    environment: { DATABASE_URL: "postgres://auth:x@db/shop" }
  api:
    image: shop/api:1
    environment: { ${url} }
${more}`
  const jobs = '  jobs: { image: "shop/jobs:1", environment: { DATABASE_URL: "postgres://x@db/jobs" } }\n'
  const one = await run(folderWith({ ...sqlProject, 'compose.yml': services('') }), { dryRun: true })
  expect(one.text).toContain('Applications: api\n')
  expect(one.text).not.toContain('Which database?')
  const two = await run(folderWith({ ...sqlProject, 'compose.yml': services(jobs) }), { dryRun: true })
  expect(two.text).toContain('Which database? The first of db of api, db of jobs;')
})

test('a database that no service uses is not chosen before one that some do', async () => {
  const before = '  archive:\n    image: postgres:17\n'
  const folder = folderWith({
    ...sqlProject,
    'compose.yml': sqlProject['compose.yml'].replace('services:\n', `services:\n${before}`),
  })
  const { text } = await run(folder)
  expect(text).toContain('Database: db')
})

test('a migration in pre_start is one before the app already', async () => {
  const compose = `services:\n  db:\n    ${database}\n  api:\n    build: .\n    environment: { ${url} }\n    depends_on: [db]\n    pre_start: [{ command: alembic upgrade head }]\n  worker:\n    build: .\n    command: celery worker\n    environment: { ${url} }\n`
  const folder = folderWith({
    'compose.yml': compose,
    'alembic.ini': '',
    Dockerfile: 'FROM a\nCMD ["uvicorn", "main:app"]\n',
  })
  const { text } = await run(folder)
  expect(text).toContain('Migrated by: api\n')
  const { migrate, worker } = servicesOf(folder)
  expect(migrate).toBeUndefined()
  expect(worker.depends_on.api).toEqual({ condition: 'service_started' })
})

test("of another tool's SQL it says to switch that tool off, which would find tables that it has not made", async () => {
  const files = (name: string) => ({
    'compose.yml': sqlProject['compose.yml'],
    [name]: 'create table users (id int);\n',
  })
  const flyway = await run(folderWith(files('src/main/resources/db/migration/V1__users.sql')))
  expect(flyway.text).toContain('switch Flyway off where the app starts it')
  expect((await run(folderWith(sqlProject))).text).not.toContain('switch ')
})

test.for([
  ['a build context without it', './backend', '', true],
  ['a mount that has it', './backend', ', volumes: [".:/app"]', false],
  ['a build context around it', '.', '', false],
] as const)('a tool that is in no image is told: %s', async ([, context, volumes, isTold]) => {
  const app = `  api: { build: ${context}, environment: { ${url} }${volumes} }\n`
  const { text } = await run(
    folderWith({
      'compose.yml': `services:\n  db:\n    ${database}\n${app}`,
      'alembic.ini': '',
      'backend/Dockerfile': '',
    }),
  )
  const note = 'Note: Alembic is in ., which the image of api is not built from.'
  expect(text.includes(note)).toBe(isTold)
})

test('a Symfony project has the migrations of Doctrine', async () => {
  const compose = `services:\n  db:\n    ${database}\n  php:\n    build: .\n    environment: { ${url} }\n    depends_on: [db]\n`
  const folder = folderWith({ 'compose.yml': compose, 'symfony.lock': '{}', 'migrations/Version1.php': '<?php' })
  await run(folder)
  const { migrate, php } = servicesOf(folder)
  expect(migrate.command).toEqual(['php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration'])
  expect(php.depends_on.migrate).toMatchObject(done)
})

describe('ends with 2, and writes nothing, where there is', () => {
  test.for([
    ['no compose file', {}, {}, /^There is no compose file in /],
    [
      'YAML that is broken',
      { 'compose.yml': 'services:\n  db:\n    image: [x\n' },
      {},
      /^compose\.yml:\d+:\d+: this is no YAML/,
    ],
    [
      'no Postgres',
      { 'compose.yml': 'services:\n  web:\n    image: nginx\n' },
      {},
      /^There is no Postgres in compose\.yml/,
    ],
    ['no such server', sqlProject, { server: 'dbb' }, /^There is no dbb in compose\.yml/],
    ['no such app', sqlProject, { app: 'web', command: 'x' }, /^No service web uses db; --app names one of api\.$/],
    [
      'no application',
      { 'compose.yml': 'services:\n  db:\n    image: postgres:17\n  web:\n    image: nginx\n' },
      {},
      /^No application of the file uses db, .* label its service schemagate\.role: app\.$/,
    ],
    ['no such folder', sqlProject, { migrations: 'sql' }, /^sql is no folder of migrations/],
    [
      'no migration',
      { 'compose.yml': sqlProject['compose.yml'] },
      {},
      /^No migrations are found here\. Name them: --mig/,
    ],
  ] as const)('%s', async ([, files, given, message]) => {
    const folder = folderWith(files)
    await expect(run(folder, given)).rejects.toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    )
    expect(contentOf(folder)).toEqual(files)
  })
})

test('without a terminal to ask on it wants --yes, and writes nothing', () => {
  const folder = folderWith(sqlProject)
  const main = join(root, 'migrator/cli/main.ts')
  // the overlay's own variable is no setting that is misspelt
  const env = { ...process.env, SCHEMAGATE_MIGRATOR_IMAGE: 'schemagate-migrator' }
  const { status, stderr } = spawnSync(process.execPath, [main, 'init'], { cwd: folder, env, encoding: 'utf8' })
  expect(stderr).toContain('There is no terminal to ask on. Give --yes, or --dry-run to see what it would write.')
  expect(status).toBe(2)
  expect(contentOf(folder)).toEqual(sqlProject)
})

describe('the migrator that init writes reaches the database as the database is written:', () => {
  test.for([
    [
      'its networks, without its address',
      'networks: { backend: { ipv4_address: 10.5.0.2 }, other: }',
      { POSTGRES_USER: 'shop', POSTGRES_DB: 'shop', POSTGRES_PASSWORD: 'x' },
      { networks: ['backend', 'other'] },
    ],
    [
      'a password in a file',
      'secrets: [db_password]',
      { POSTGRES_USER: 'shop', POSTGRES_PASSWORD_FILE: '/run/secrets/db_password' },
      {
        secrets: ['db_password'],
        environment: {
          PGHOST: 'db',
          PGUSER: 'shop',
          PGDATABASE: 'shop',
          PGPASSWORD_FILE: '/run/secrets/db_password',
        },
      },
    ],
    [
      'what an env_file alone says',
      'env_file: db.env',
      {},
      {
        environment: {
          PGHOST: 'db',
          PGUSER: '${POSTGRES_USER:?as db has it}',
          PGDATABASE: '${POSTGRES_DB:?as db has it}',
          PGPASSWORD: '${POSTGRES_PASSWORD:?as db has it}',
        },
      },
    ],
  ] as const)('%s', async ([, more, environment, expected]) => {
    const folder = folderWith({
      'compose.yml': `services:
  db:
    image: postgres:17
    environment: ${JSON.stringify(environment)}
    ${more}
  api:
    image: shop/api:1
    environment: { ${url} }
    depends_on: [db]
networks: { backend: , other: }
secrets: { db_password: { file: ./db_password } }
`,
      'db.env': 'POSTGRES_USER=shop\nPOSTGRES_DB=shop\nPOSTGRES_PASSWORD=x\n',
      'migrations/0001_users.sql': 'create table users (id int);\n',
    })
    expect((await run(folder)).exitCode).toBe(0)
    expect(servicesOf(folder).migrate).toMatchObject(expected)
    // a new volume over a running database is an empty one
    expect(servicesOf(folder).db).not.toHaveProperty('volumes')
  })

  test('a command of the image keeps its variables from compose', async () => {
    const folder = folderWith({
      'compose.yml': `services:\n  db:\n    ${database}\n  api:\n    build: .\n    entrypoint: ["./entrypoint.sh"]\n    command: ["./serve"]\n    environment: { ${url} }\n    depends_on: [db]\n`,
      Dockerfile: 'FROM alpine\nCOPY . .\n',
      'entrypoint.sh': '#!/bin/sh\nset -e\nmigrate -path db -database "$DATABASE_URL" up\nexec "$@"\n',
    })
    expect((await run(folder)).exitCode).toBe(0)
    expect(JSON.stringify(servicesOf(folder))).toContain('$$DATABASE_URL')
  })
})
