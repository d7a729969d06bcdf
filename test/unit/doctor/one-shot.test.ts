// The one-shot of an app that several files make up: it has what the app has of each of them.

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { databasesOf } from '../../../migrator/doctor/model/gating.ts'
import { makeOverlay } from '../../../migrator/doctor/overlay/fix.ts'
import { migratorService } from '../../../migrator/doctor/patches/migrator-service.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

async function overlayOf(files: Record<string, string>) {
  const options = { cwd: writtenFolder(files), env: {}, docker: false }
  const { text } = await makeOverlay(await diagnose([], options), options)
  return parse(text).services
}

async function oneShotOf(files: Record<string, string>) {
  return (await overlayOf(files))['api-migrate']
}

const command = 'sh -c "alembic upgrade head && uvicorn app"'
const db = 'db: { image: "postgres:17", environment: { POSTGRES_PASSWORD: x } }'

test('an overlay that adds a variable, and one that changes another', async () => {
  const oneShot = await oneShotOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: ${command}, environment: ["PGHOST=db", "PGPASSWORD=\${PW}", "A=1"], volumes: ["./a:/a"] } }`,
    'compose.override.yml': 'services: { api: { environment: { DEBUG: "1", A: "2" }, volumes: ["./b:/b"] } }',
  })
  expect(oneShot).toMatchObject({
    environment: { PGHOST: 'db', PGPASSWORD: '${PW}', A: '2', DEBUG: '1' },
    volumes: ['./a:/a', './b:/b'],
  })
})

test.for([
  ['PYTHONPATH=. alembic upgrade head', 'PYTHONPATH=. alembic upgrade head'],
  [
    'echo "[alembic]" > alembic.ini && alembic upgrade head 2>&1',
    'echo "[alembic]" > alembic.ini && exec alembic upgrade head 2>&1',
  ],
  ['set -e; alembic upgrade head', 'exec alembic upgrade head'],
  ['alembic upgrade head &> log', 'exec alembic upgrade head &> log'],
  ['gosu app alembic upgrade head >>"a log" 2>/dev/null', 'exec gosu app alembic upgrade head >>"a log" 2>/dev/null'],
  ['gosu app sh -c "env A=1 alembic upgrade head"', 'exec gosu app env A=1 alembic upgrade head'],
  ['wait-for-it db:5432 -- A=1 alembic upgrade head', 'wait-for-it db:5432 && A=1 alembic upgrade head'],
  ['psql -f a.sql < in && alembic upgrade head', 'psql -f a.sql < in && exec alembic upgrade head'],
] as const)('its command is what the file has: %s', async ([migrates, expected]) => {
  const script = JSON.stringify(`${migrates} && uvicorn app`)
  const oneShot = await oneShotOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: [bash, -c, ${script}], environment: { PGHOST: db } } }`,
  })
  expect(oneShot.command).toEqual([expected])
})

test('an entrypoint runs both as the user that it names', async () => {
  const entrypoint = '[tini, --, gosu, app, sh, -c, "alembic upgrade head && uvicorn app"]'
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { image: a, entrypoint: ${entrypoint}, environment: { PGHOST: db } } }`,
  })
  expect(services['api-migrate'].command).toEqual(['exec tini -- gosu app alembic upgrade head'])
  expect(services.api.command).toEqual(['exec tini -- gosu app uvicorn app'])
})

test('the app keeps the folder and the variables that the shell was given before the migration', async () => {
  const { api } = await overlayOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: sh -c "cd /srv && export A=1 && alembic upgrade head && uvicorn app", environment: { PGHOST: db } } }`,
  })
  expect(api.command).toEqual(['sh', '-c', 'cd /srv && export A=1 && exec uvicorn app'])
})

test('what a script of the project does before the migration is done for both', async () => {
  const line = 'sleep 10 && /run.sh db createdb && /run.sh db migrate && /run.sh serve'
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, cache: { image: "redis:7" }, api: { image: a, command: sh -c "${line}", environment: { PGHOST: db }, depends_on: [db, cache] } }`,
  })
  expect(services['api-migrate']).toMatchObject({
    command: ['sleep 10 && /run.sh db createdb && exec /run.sh db migrate'],
    // a list of dependencies is not lost to the one that is added
    depends_on: { db: { condition: 'service_healthy' }, cache: { condition: 'service_started' } },
  })
  expect(services.api.command).toEqual(['sh', '-c', '/run.sh db createdb && exec /run.sh serve'])
})

test('it has the image that is built for the app, and no second one that could be older', async () => {
  const service = `command: ${command}, environment: { PGHOST: db }`
  const built = await oneShotOf({ 'compose.yml': `services: { ${db}, api: { build: ., ${service} } }` })
  expect(built).toMatchObject({ build: '.', image: '${COMPOSE_PROJECT_NAME}-api' })
  const named = await oneShotOf({ 'compose.yml': `services: { ${db}, api: { build: ., image: shop, ${service} } }` })
  expect(named).toMatchObject({ build: '.', image: 'shop' })
})

test('two phases of one program are both before the app', async () => {
  const line = './shop --install --yes && ./shop --upgrade --yes && ./shop'
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: sh -c "${line}", environment: { PGHOST: db } } }`,
  })
  expect(services['api-migrate'].command).toEqual(['./shop --install --yes && exec ./shop --upgrade --yes'])
  expect(services.api.command).toEqual(['sh', '-c', 'exec ./shop'])
})

test('an entrypoint that runs the shell which it is given does so for both', async () => {
  const script = '[bash, -c, "alembic upgrade head && uvicorn app"]'
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { image: a, entrypoint: docker/boot.sh, command: ${script}, environment: { PGHOST: db } } }`,
  })
  expect(services['api-migrate'].entrypoint).toBe('docker/boot.sh')
  expect(services['api-migrate'].command).toEqual(['bash', '-ec', 'exec alembic upgrade head'])
  expect(services.api).not.toHaveProperty('entrypoint')
  expect(services.api.command).toEqual(['bash', '-c', 'exec uvicorn app'])
})

test('an entrypoint that is a script of the image is left as it is', async () => {
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { build: ., entrypoint: ["/start.sh"], command: [uvicorn, app], environment: { PGHOST: db } } }`,
    Dockerfile: 'FROM a\nCOPY start.sh /\n',
    'start.sh': '#!/bin/sh\nset -e\nalembic upgrade head\nexec "$@"\n',
  })
  expect(services.api.entrypoint).toBeUndefined()
  expect(services['api-migrate']).toBeUndefined()
})

test('a command that is no line, or that would lose what stands around it, is not taken apart', async () => {
  for (const migrates of ['alembic upgrade head <<A\nx\nA\n', 'A=1 sh -c "cd /srv && alembic upgrade head" && ']) {
    const script = JSON.stringify(`${migrates}uvicorn app`)
    const oneShot = await oneShotOf({
      'compose.yml': `services: { ${db}, api: { image: a, command: [bash, -c, ${script}], environment: { PGHOST: db } } }`,
    })
    expect(oneShot).toBeUndefined()
  }
})

test.for([
  ['alembic upgrade head && celery worker & uvicorn app', undefined],
  ['alembic upgrade head; (celery worker & uvicorn app)', undefined],
  ['alembic upgrade head > log & celery worker & wait', undefined],
  ['pg_isready || createdb a; alembic upgrade head; uvicorn app', undefined],
  ['alembic upgrade head || { alembic stamp head; exit 1; }; uvicorn app', undefined],
  ['alembic upgrade head & uvicorn app', ['exec alembic upgrade head']],
  ['alembic upgrade head || exit 1; uvicorn app', ['exec alembic upgrade head']],
  ['alembic upgrade head || echo failed; uvicorn app', ['exec alembic upgrade head']],
  ['alembic upgrade head || true; uvicorn app', ['exec alembic upgrade head']],
] as const)('a list is taken apart only where it does the same as two: %s', async ([list, expected]) => {
  const oneShot = await oneShotOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: 'sh -c "${list}"', environment: { PGHOST: db } } }`,
  })
  expect(oneShot?.command).toEqual(expected)
})

test('a service of another file that it extends, in its folder', async () => {
  const oneShot = await oneShotOf({
    'compose.yml': `services: { ${db}, api: { extends: { file: base/common.yml, service: py }, command: ${command}, environment: { LEVEL: info } } }`,
    'base/common.yml':
      'services: { py: { build: ., env_file: a.env, environment: { PGHOST: db, PGUSER: "${U}" }, volumes: ["./conf:/conf", "data:/data"] } }',
    'base/a.env': 'A=1\n',
  })
  expect(oneShot).toMatchObject({
    build: './base',
    env_file: './base/a.env',
    environment: { PGHOST: 'db', PGUSER: '${U}', LEVEL: 'info' },
    volumes: ['./base/conf:/conf', 'data:/data'],
  })
})

test('a file that is included from its own folder', async () => {
  const oneShot = await oneShotOf({
    'compose.yml': `include: [svc/compose.yml]\nservices: { ${db} }`,
    'svc/compose.yml': `services: { api: { build: { context: ./api, dockerfile: D }, command: ${command}, environment: { PGHOST: db }, env_file: [{ path: a.env }, ../b.env], volumes: ["./conf:/conf:ro", { type: bind, source: ../c, target: /c }, "/e:/e", "\${F}:/f"] } }`,
    'svc/a.env': '',
    'b.env': '',
  })
  expect(oneShot).toMatchObject({
    build: { context: './svc/api', dockerfile: 'D' },
    env_file: [{ path: './svc/a.env' }, './b.env'],
    volumes: ['./svc/conf:/conf:ro', { type: 'bind', source: './c', target: '/c' }, '/e:/e', '${F}:/f'],
  })
})

test("what only the included file's own .env has is asked for, and is not written", async () => {
  const oneShot = await oneShotOf({
    'compose.yml': `include: [svc/compose.yml]\nservices: { ${db} }`,
    '.env': 'BOTH=1\n',
    'svc/.env': 'PW=hunter2\nBOTH=2\n',
    'svc/compose.yml': `services: { api: { image: a, command: ${command}, environment: { PGHOST: db, PGPASSWORD: "\${PW:-x}", A: "$$PW\${BOTH}\${NONE}" } } }`,
  })
  expect(oneShot.environment).toEqual({
    PGHOST: 'db',
    PGPASSWORD: '${PW:?as svc/compose.yml has it}',
    A: '$$PW${BOTH}${NONE}',
  })
})

test('the build context of a file in another folder is read there', async () => {
  const files = {
    'compose.yml': `include: [svc/compose.yml]\nservices: { ${db} }`,
    'svc/compose.yml': 'services: { api: { build: ., environment: { PGHOST: db } } }',
    'svc/Dockerfile': 'FROM a\nCMD alembic upgrade head && uvicorn app\n',
  }
  const { stack } = await diagnose([], { cwd: writtenFolder(files), env: {}, docker: false })
  expect(stack.members.get('api')!.migration?.tool).toBe('Alembic')
})

test('the migrator has the networks and the password of the database, whichever file has them', async () => {
  const cwd = writtenFolder({
    'compose.yml':
      'services: { db: { image: "postgres:17", networks: [back], environment: { POSTGRES_PASSWORD: "${PW}", POSTGRES_USER: u } }, api: { image: a, environment: { PGHOST: db } } }\nnetworks: { back: , more: }',
    'compose.override.yml': 'services: { db: { networks: [more], environment: [POSTGRES_DB=shop] } }',
  })
  const { stack } = await diagnose([], { cwd, env: {}, docker: false })
  expect(migratorService(stack, databasesOf(stack)[0]!.member!, [])).toMatchObject({
    environment: { PGHOST: 'db', PGUSER: 'u', PGPASSWORD: '${PW}', PGDATABASE: 'shop' },
    networks: ['back', 'more'],
  })
})

test.for([
  ['bash -c', ['bash']],
  ['/bin/bash -lc', ['/bin/bash', '-l']],
  ['sh -ec', ['sh']],
] as const)('what %s reads is read by the same shell in one-shot and app', async ([shell, expected]) => {
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { image: a, command: ${shell} "source .venv/bin/activate && alembic upgrade head &> log && uvicorn app", environment: { PGHOST: db } } }`,
  })
  expect(services['api-migrate'].entrypoint).toEqual([...expected, '-ec'])
  expect(services.api.command.slice(0, -1)).toEqual([...expected, '-c'])
})

test.for([
  ['#!/usr/bin/env bash', 'bash'],
  ['#!/bin/bash -e', '/bin/bash'],
  ['#!/bin/sh', '/bin/sh'],
] as const)('what a script with %s runs behind a switch is read by its shell', async ([first, shell]) => {
  const services = await overlayOf({
    'compose.yml': `services: { ${db}, api: { build: ., environment: { PGHOST: db, MIGRATE: "1" } } }`,
    Dockerfile: 'FROM a\nCOPY start.sh /\nCMD ["/start.sh"]\n',
    'start.sh': `${first}\nset -e\nif [ "$MIGRATE" = 1 ]; then\n  alembic upgrade head\nfi\nexec uvicorn app\n`,
  })
  expect(services['api-migrate'].entrypoint).toEqual([shell === '/bin/sh' ? 'sh' : shell, '-ec'])
})

const scriptOf = (before: string) => ({
  'compose.yml': `services: { ${db}, api: { build: ., environment: { PGHOST: db, MIGRATE: "1" } } }`,
  Dockerfile: 'FROM a\nCOPY start.sh /\nCMD ["/start.sh"]\n',
  'start.sh': `#!/bin/sh\nset -e\n${before}\nif [ "$MIGRATE" = 1 ]; then\n  alembic upgrade head\nfi\nexec uvicorn app\n`,
})

test('what a script sets up before its switch holds for the one-shot, too', async () => {
  const services = await overlayOf(scriptOf('cd /srv\nexport DIRECT_URL="$DATABASE_URL"\necho starting'))
  expect(services['api-migrate'].command).toEqual([
    'cd /srv && export DIRECT_URL="$$DATABASE_URL" && exec alembic upgrade head',
  ])
})

test('what a script sets up under a condition is not taken over, so there is no one-shot', async () => {
  const services = await overlayOf(scriptOf('if [ -z "$DIRECT_URL" ]; then\n  export DIRECT_URL="$DATABASE_URL"\nfi'))
  expect(services['api-migrate']).toBeUndefined()
})

test('what a script of its own process sets holds for nothing but that', async () => {
  const files = scriptOf('/scripts/prepare.sh a b')
  const services = await overlayOf({
    ...files,
    Dockerfile: `${files.Dockerfile}COPY prepare.sh /scripts/\n`,
    'prepare.sh': '#!/bin/sh\nFROM=$1\ncd /tmp\nsed s/a/b/ x\n',
  })
  expect(services['api-migrate'].command).toEqual(['exec alembic upgrade head'])
})
