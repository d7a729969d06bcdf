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
  const rules = findings.map(({ rule, service }) => `${rule.id} ${service}`)
  return { roleOf: (name: string) => stack.members.get(name)!.role, useOf, errors, rules, notes }
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

test('who holds an unknown place of a database uses the only one', async () => {
  const app = (name: string, key: string) => `  ${name}: { image: ${name}, environment: { ${key}: "\${${key}}" } }\n`
  const apps =
    app('a', 'DATABASE_CONNECTION_URI') +
    app('b', 'DB_HOST') +
    app('c', 'SENTRY_DSN') +
    app('d', 'CHROMADB_HOST') +
    app('e', 'SPRING_DATASOURCE_URL')
  const { errors } = await read(`${db}${migrate}${apps}`)
  expect(errors).toEqual(['ungated-client a', 'ungated-client b', 'ungated-client e'])
  const { roleOf } = await read(`${db}${apps}  other: { image: mysql }\n`)
  expect(roleOf('a')).toBe('other')
})

test('a service that reports to the same place as an app is none by that', async () => {
  const dsn = 'SENTRY_DSN: "${SENTRY_DSN}"'
  const { roleOf } = await read(
    `${db}  app: { image: a, environment: { PGHOST: db, ${dsn} } }\n  page: { image: b, environment: { ${dsn} } }\n`,
  )
  expect([roleOf('app'), roleOf('page')]).toEqual(['app', 'other'])
})

test.for([
  ['network_mode: host', 'network_mode: host'],
  ['network_mode: "service:vpn"', 'network_mode: "service:vpn"'],
  ['network_mode: "container:Tunnel"', 'network_mode: "service:vpn"'],
  ['', 'network_mode: "service:db"'],
])('localhost is the database in the same network: %s, %s', async ([ofDatabase, ofApp]) => {
  const services = `  db: { image: "postgres:17", ${ofDatabase} }\n  app: { image: a, ${ofApp}, environment: { PGHOST: localhost } }\n  vpn: { image: b, container_name: tunnel }\n`
  const { useOf } = await read(services)
  expect(useOf('app')).toEqual(['db/'])
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
  ['KC_DB_URL_HOST: db, KC_DB_URL_DATABASE: keycloak', ['db/keycloak']],
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

  test.for([
    'image: ghcr.io/zitadel/zitadel:v4, command: start-from-init --masterkey x',
    'image: a, command: zitadel start-from-setup',
    'image: a, entrypoint: docker/entrypoints/rails.sh, command: sh -c "bundle exec rails db:prepare && bundle exec rails s"',
    'image: a, entrypoint: [/app/boot], command: [sh, -c, "alembic upgrade head && ./serve"]',
  ])('that migrates and serves is an app: %s', async web => {
    const { roleOf, errors } = await read(`${db}  web: { ${web}, environment: { PGHOST: db }, restart: always }\n`)
    expect([roleOf('web'), errors]).toEqual(['app', []])
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

describe('a migrator', () => {
  test.for([
    'python run_migrations.py',
    'poetry run python scripts/db_migrate.py',
    'npx tsx src/migrate.ts',
    'pnpm exec ts-node migrate.ts',
    'node -r dotenv/config migrate.js',
    'dotnet Acme.Shop.DbMigrator.dll',
    'dotnet run --project src/Migrator',
    'php bin/console d:m:m -n',
    'prefect server database upgrade -y',
    'zitadel init',
    'docker-entrypoint.sh migrate',
    'wasp db migrate-dev',
  ])('that runs %s', async command => {
    const job = `  job: { image: a, command: ${command}, environment: { PGHOST: db } }\n`
    const { errors } = await read(`${db}${job}  app: { image: b, environment: { PGHOST: db } }\n`)
    expect(errors).toEqual(['ungated-client app'])
  })

  test.for([
    'python immigration.py',
    'npx tsx src/server.ts',
    'dotnet run --project src/Api',
    'zitadel start',
    'docker compose exec api alembic upgrade head',
    'flask --app shop db migrate -m users',
  ])('is none that runs %s', async command => {
    const { roleOf } = await read(`${db}  job: { image: a, command: ${command}, environment: { PGHOST: db } }\n`)
    expect(roleOf('job')).toBe('app')
  })

  test.for([
    ['./lists --install --yes', '"no"', ['ungated-client app']],
    ['sh -c "sleep 3 && ./lists --upgrade"', '"no"', ['ungated-client app']],
    ['./lists --install --yes', 'always', []],
    ['./lists install', '"no"', []],
    ['pip install --upgrade shop', '"no"', []],
  ] as const)(
    'is a server that only makes its schema, and is not started again: %s, %s',
    async ([run, restart, told]) => {
      const job = `  job: { image: a, command: ${run}, restart: ${restart}, environment: { PGHOST: db } }\n`
      const { errors } = await read(`${db}${job}  app: { image: a, environment: { PGHOST: db } }\n`)
      expect(errors).toEqual(told)
    },
  )

  test('is no database, whatever it is called and told', async () => {
    const variables = 'environment: { POSTGRES_PASSWORD: x, POSTGRES_DB: shop }'
    const job = `  db-migrate: { image: shop-db-migrate, command: sh /data/migrate.sh, ${variables} }\n`
    const app = `  app: { image: b, ${variables}, depends_on: { db-migrate: { condition: service_completed_successfully } } }\n`
    const { roleOf, errors } = await read(`${db}${job}${app}  other: { image: c, environment: { PGHOST: db } }\n`)
    expect([roleOf('db-migrate'), errors]).toEqual(['migrator', ['sibling-ungated other']])
  })

  test('may have a port, as each service of a .NET solution', async () => {
    const job =
      '  migrations: { image: a, command: dotnet Shop.Migrations.dll, ports: ["81:80"], environment: { PGHOST: db } }\n'
    const { roleOf, errors } = await read(`${db}${job}  app: { image: b, environment: { PGHOST: db } }\n`)
    expect([roleOf('migrations'), errors]).toEqual(['migrator', ['ungated-client app']])
  })
})

test.for<[name: string, image: string, command: string]>([
  ['migrate-down', 'migrate/migrate', '-path /m -database postgres://db/shop down 1'],
  ['migrate-create', 'migrate/migrate', 'create -ext sql -dir /m add_users'],
  ['migrations-rollback', 'shop', 'alembic downgrade -1'],
  ['makemigrations', 'shop', 'alembic revision --autogenerate'],
  ['flyway-info', 'flyway/flyway', 'info'],
  ['database-down', 'liquibase/liquibase', `sh -c 'echo "update of $$PGHOST"; liquibase rollback v0'`],
] as const)('%s is for one who calls it by hand, and never put before an app', async ([name, image, command]) => {
  const byHand = (name: string, image: string, command: string) =>
    `  ${name}: { image: ${image}, command: ${JSON.stringify(command)}, environment: { PGHOST: db }, profiles: [tools] }\n`
  const services = byHand('migrate', 'shop', 'alembic upgrade head') + byHand(name, image, command)
  const { roleOf, errors } = await read(`${db}${services}  app: { image: b, environment: { PGHOST: db } }\n`)
  expect([roleOf(name), errors]).toEqual(['tool', ['migrator-by-hand migrate']])
})

test('a product on the same server has a database of its own', async () => {
  const url = 'environment: { DATABASE_URL: "postgres://db/shop" }'
  const temporal = '  temporal: { image: "temporalio/auto-setup:1.24", environment: { POSTGRES_SEEDS: db } }\n'
  const kong =
    '  kong-migrate: { image: "kong:3", command: kong migrations bootstrap, environment: { KONG_PG_HOST: db } }\n' +
    '  kong: { image: "kong:3", environment: { KONG_PG_HOST: db }, depends_on: { kong-migrate: { condition: service_completed_successfully } } }\n'
  const { errors } = await read(`${db}${temporal}${kong}  app: { image: b, ${url} }\n`)
  expect(errors).toEqual([])
})

test.for(['Persistence__RunMigrationsOnStartup', 'Database__ApplyMigrations', 'Features:AutoMigrate'])(
  'an app that %s has migrate at its start',
  async variable => {
    const { errors } = await read(
      `${db}  app: { image: a, environment: { PGHOST: db, "${variable}": "true" } }\n  worker: { image: b, environment: { PGHOST: db } }\n`,
    )
    expect(errors).toEqual(['sibling-ungated worker'])
  },
)

test.for(['gotrue', 'storage-api', 'realtime'])('supabase/%s migrates a schema of its own', async part => {
  const supabase = `  x: { image: "supabase/${part}:v2", environment: { DATABASE_URL: "postgres://db/\${DB}" } }\n`
  const app = (name: string, more: string) =>
    `  ${name}: { image: a, environment: { DATABASE_URL: "postgres://db/\${DB}" }, ${more} }\n`
  const migrate = app('migrate', 'command: alembic upgrade head, depends_on: [x]')
  const { errors } = await read(`${db}${supabase}${migrate}${app('app', '')}`)
  expect(errors).toEqual(['ungated-client app'])
})

test('an image of Hasura that migrates is one for what is made from it', async () => {
  const build = 'build: { context: ., dockerfile_inline: "FROM hasura/graphql-engine:v2.48.cli-migrations-v3" }'
  const { rules } = await read(`${db}  hasura: { ${build}, environment: { PG_URL: "postgres://db/shop" } }\n`)
  expect(rules).toContain('migrate-in-app hasura')
})

describe('a one-shot', () => {
  const app = (more: string) => `  app: { image: b, environment: { PGHOST: db }, ${more} }\n`

  test('names its server and its database by options, as Go reads them', async () => {
    const { roleOf, useOf, errors } = await read(
      `${db}  migrate-shop: { image: a, entrypoint: /bin/run, command: ["-host", "db", "-dbname", "shop"] }\n${app('')}`,
    )
    expect([roleOf('migrate-shop'), useOf('migrate-shop')]).toEqual(['migrator', ['db/shop']])
    expect(errors).toEqual(['ungated-client app'])
  })

  test('that stays after its migration is healthy behind it', async () => {
    const job = (link: string) =>
      `  migrate: { image: a, command: sh -c "alembic upgrade head ${link} touch /done && sleep infinity", healthcheck: { test: test -f /done }, environment: { PGHOST: db } }\n`
    const waits = app('depends_on: { migrate: { condition: service_healthy } }')
    expect((await read(`${db}${job('&&')}${waits}`)).errors).toEqual([])
    expect((await read(`${db}${job(';')}${waits}`)).errors).toEqual(['chain-ignores-failure migrate'])
  })

  test('with the program of its image alone only prints its help', async () => {
    const { errors } = await read(
      `${db}  migrate: { image: "migrate/migrate:v4", entrypoint: [migrate], environment: { PGHOST: db } }\n${app('')}`,
    )
    expect(errors).toEqual(['migrator-by-hand migrate'])
  })

  test('runs the first word of a text that Compose takes apart for `sh -c`', async () => {
    const job = (command: string) =>
      `  migrate: { image: a, entrypoint: [sh, -c], command: ${command}, environment: { PGHOST: db } }\n`
    const waits = app('depends_on: { migrate: { condition: service_completed_successfully } }')
    const lines = '"echo start; alembic upgrade head"'
    expect((await read(`${db}${job(lines)}${waits}`)).rules).toContain('migrator-by-hand migrate')
    expect((await read(`${db}${job(`[${lines}]`)}${waits}`)).rules).not.toContain('migrator-by-hand migrate')
  })

  test('is fixed to a step by its number, and not by where its output goes', async () => {
    const fixed = async (end: string) =>
      (
        await read(
          `${db}  job: { image: a, command: 'sh -c "out=$$(migrate -path /m -database postgres://db/shop up${end})"' }\n`,
        )
      ).rules.includes('fixed-step job')
    expect(await fixed(' 2>&1')).toBe(false)
    expect(await fixed(' 2')).toBe(true)
    expect(await fixed(' 12 2>&1')).toBe(true)
  })

  test('below the profile of the apps that wait for it is there, whatever another profile starts', async () => {
    const profiles = (name: string) => `profiles: [${name}]`
    const all = `  all: { image: a, command: sh -c "alembic upgrade head && uvicorn app", environment: { PGHOST: db }, ${profiles('all')} }\n`
    const job = `  migrate: { image: a, command: alembic upgrade head, environment: { PGHOST: db }, ${profiles('parts')} }\n`
    const part = app(`${profiles('parts')}, depends_on: { migrate: { condition: service_completed_successfully } }`)
    expect((await read(`${db}${all}${job}${part}`)).errors).toEqual([])
  })
})

describe('several databases of a server whose names are variables', () => {
  const of = (name: string, database: string, more: string) =>
    `  ${name}: { image: a, environment: { DB_HOST: db, DB_NAME: "\${${database}}" }, ${more} }\n`
  const migrates = 'command: alembic upgrade head'

  test('are told apart by what the variables say', async () => {
    const { errors } = await read(
      `${db}${of('migrate', 'SHOP_DB_NAME', migrates)}${of('shop', 'SHOP_DATABASE', '')}${of('auth', 'POSTGRES_AUTH_DB', '')}`,
    )
    expect(errors).toEqual(['ungated-client shop'])
  })

  test('are one where they say nothing', async () => {
    const { errors } = await read(
      `${db}${of('migrate', 'POSTGRES_DB', migrates)}${of('shop', 'DB_NAME', '')}${of('auth', 'SHOP_DB', '')}`,
    )
    expect(errors).toEqual(['ungated-client shop', 'ungated-client auth'])
  })

  test('an app that names none uses that of the one-shot that it waits for', async () => {
    const waits = (name: string) =>
      `environment: { PGHOST: db }, depends_on: { ${name}: { condition: service_completed_successfully } }`
    const { errors } = await read(
      `${db}${of('m1', 'SHOP_DB', migrates)}${of('m2', 'AUTH_DB', migrates)}  shop: { image: a, ${waits('m1')} }\n  auth: { image: a, ${waits('m2')} }\n`,
    )
    expect(errors).toEqual([])
  })
})

test.for([
  ['sleep infinity', 'tool'],
  ['tail -f /dev/null', 'tool'],
  ['/bin/sh -c "while sleep 1000; do :; done"', 'tool'],
  ['sh -c "echo ready; tail -f /dev/null"', 'tool'],
  ['sh -c "uvicorn app & tail -f /dev/null"', 'app'],
  ['sh -c "while true; do python work.py; sleep 60; done"', 'app'],
] as const)('a container to work in is no app: %s', async ([command, role]) => {
  const { roleOf } = await read(`${db}  dev: { image: a, command: ${command}, environment: { PGHOST: db } }\n`)
  expect(roleOf('dev')).toBe(role)
})

test.for([
  ['entrypoint: [sh, -ceu, "ensure() { psql -c \\"create database $$1\\"; }; ensure shop"]', 'tool'],
  ['entrypoint: ./load.sh postgres://db/shop', 'tool'],
  ['entrypoint: ./start.sh, volumes: ["data:/var/lib/postgresql/data"]', 'database'],
  ['entrypoint: [sh, -c, "cp /conf /etc && exec docker-entrypoint.sh postgres"]', 'database'],
] as const)('an image of Postgres with a program of its own: %s', async ([values, role]) => {
  const { roleOf } = await read(`${db}  job: { image: "postgres:17", ${values} }\n`)
  expect(roleOf('job')).toBe(role)
})

test.for([
  // of the same image, or beside it with a Dockerfile of its own
  ['image: shop', 'image: shop, command: celery -A shop worker', 'app'],
  ['build: ./api', 'build: { context: ./api, dockerfile: Dockerfile.worker }, command: bundle exec sidekiq', 'app'],
  ['build: ./api', 'build: { context: ./api, dockerfile: Dockerfile.css }, command: npm run dev', 'other'],
  ['build: ./api', 'build: ./mail, command: php artisan queue:work', 'other'],
] as const)('%s uses a database, so %s is of the role %s', async ([app, worker, role]) => {
  const { roleOf } = await read(`${db}  web: { ${app}, environment: { PGHOST: db } }\n  worker: { ${worker} }\n`)
  expect(roleOf('worker')).toBe(role)
})

test('a connection that is written as JSON is one to Postgres, if its host is', async () => {
  const app = (name: string, json: string) => `  ${name}: { image: ${name}, environment: { CONNECTION: '${json}' } }\n`
  const { useOf } = await read(
    `${db}  cache: { image: redis }\n${app('web', '{"dbname":"shop","user":"a","host":"db","port":5432}')}${app('mail', '{"host":"cache","db":0}')}`,
  )
  expect([useOf('web'), useOf('mail')]).toEqual([['db/shop'], []])
})

test('every connection of such a text counts', async () => {
  const { useOf } = await read(
    `${db}  stock: { image: "postgres:17" }\n  app: { image: a, environment: { CONNECTIONS: '{"a": {"host": "db", "options": {"ssl": true}, "dbname": "shop"}, "b": [{"host": "stock", "port": \${PORT}, "db": "\${NAME}"}]}' } }\n`,
  )
  expect(useOf('app').toSorted()).toEqual(['db/shop', 'stock/${NAME}'])
})

test('of two databases nothing says which one a worker uses', async () => {
  const app = (host: string) => `  ${host}-web: { image: shop, environment: { PGHOST: ${host} } }\n`
  const other = '  stock: { image: "postgres:17" }\n'
  const worker = '  worker: { image: shop, command: celery -A shop worker }\n'
  const { roleOf } = await read(`${db}${other}${app('db')}${app('stock')}${worker}`)
  expect(roleOf('worker')).toBe('other')
})

test('what keeps the URL of a database as a secret is no app', async () => {
  const put = 'vault kv put secret/db url=postgres://shop:x@db/shop'
  const { roleOf } = await read(`${db}  secrets: { image: "hashicorp/vault:1.15", entrypoint: sh -c "${put}" }\n`)
  expect(roleOf('secrets')).toBe('other')
})

test('a proxy with an env file for the whole stack is no app, nor is a collector', async () => {
  const { roleOf } = await read(
    ['nginx', 'grafana/alloy']
      .map((image, i) => `  x${i}: { image: ${image}, environment: { DB_HOST: db } }\n`)
      .join('') + db,
  )
  expect([roleOf('x0'), roleOf('x1')]).toEqual(['proxy', 'tool'])
})

test.for(['alpine', 'postgres:17'])('what gives the data to the user of the server is no server: %s', async image => {
  const volumes = 'volumes: ["data:/var/lib/postgresql/data"]'
  const command = 'sh -c "mkdir -p /var/lib/postgresql/data && chown -R 999:999 /var/lib/postgresql/data"'
  const { roleOf } = await read(
    `  init: { image: "${image}", command: ${command}, ${volumes} }\n  db: { image: "postgres:17", ${volumes}, depends_on: [init] }\n`,
  )
  expect(roleOf('init')).not.toBe('database')
  expect(roleOf('db')).toBe('database')
})
