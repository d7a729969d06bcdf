// What a container's process manager starts at once: programs of supervisord, lines of a Procfile.

import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

/** Which rules about the migration an app with these files breaks. */
async function findingsOf(files: Record<string, string>, service = ''): Promise<string[]> {
  const compose = `services: { db: { image: "postgres:17" }, app: { build: ., environment: { PGHOST: db } ${service} } }`
  const cwd = writtenFolder({ 'compose.yml': compose, ...files })
  const { findings } = await diagnose([], { cwd, env: {}, docker: false })
  const about = /^(chain-ignores-failure|migrate-in-app|no-migration-seen|sibling-ungated|ungated-client)$/
  return findings.filter(({ rule }) => about.test(rule.id)).map(({ rule }) => rule.id)
}

const path = '/etc/supervisor/conf.d/supervisord.conf'
const dockerfile = `FROM a\nCOPY docker/supervisord.conf ${path}\nCMD ["/usr/bin/supervisord", "-n", "-c", "${path}"]\n`
const migrate = '[program:migrate]\ncommand=alembic upgrade head\nautorestart=false\npriority=1'
const web = '[program:web]\ncommand=uvicorn main:app'
const nginx = '[program:nginx]\ncommand=/usr/sbin/nginx -g "daemon off;"'
const goesOn = ['chain-ignores-failure', 'migrate-in-app']

test.for([
  [`${migrate}\n${web}`, goesOn],
  [`${web}\n\n${migrate}`, goesOn],
  [`[program:migrate]\ncommand =\n    sh -c "cd /app && alembic upgrade head"\n${web}`, goesOn],
  [`${migrate}\n[program:web]\ncommand=sh -c "sleep 10 && uvicorn main:app"`, goesOn],
  [
    `[program:web]\ncommand=sh -c "alembic upgrade head && uvicorn main:app"\n[program:w]\ncommand=celery -A app worker`,
    goesOn,
  ],
  [`${web}\n;${migrate.replaceAll('\n', '\n;')}`, ['no-migration-seen']],
  [`${migrate}\nautostart=false\n${web}`, ['no-migration-seen']],
  [`${nginx}\n${web}`, ['no-migration-seen']],
] as const)('supervisord starts them at once, whatever their priority: %s', async ([conf, expected]) => {
  expect(await findingsOf({ Dockerfile: dockerfile, 'docker/supervisord.conf': conf })).toEqual(expected)
})

test.for([
  `[program:migrate]\ncommand=bash -c "alembic upgrade head && supervisorctl start web"\n${web}\nautostart=false`,
  `[program:migrate]\ncommand=bash -c "alembic upgrade head && supervisorctl start web:*"\n${nginx}\n${web}\nautostart=false`,
  `[program:web]\ncommand=sh -c "alembic upgrade head && uvicorn main:app"\n${nginx}`,
  `${migrate.replace('alembic upgrade head', 'sh -c "alembic upgrade head && touch /tmp/done"')}\n[program:web]\ncommand=sh -c "while [ ! -f /tmp/done ]; do sleep 1; done; uvicorn main:app"`,
  '[program:migrate]\ncommand=python manage.py migrate\n[program:web]\ncommand=sh -c "python manage.py wait_for_migrations && gunicorn app"',
])('a program that waits for the migration: %s', async conf => {
  expect(await findingsOf({ Dockerfile: dockerfile, 'docker/supervisord.conf': conf })).toEqual(['migrate-in-app'])
})

test.for([
  [
    'the file in a here-document',
    { Dockerfile: `FROM a\nCOPY <<EOF ${path}\n${migrate}\n${web}\nEOF\nCMD supervisord -c ${path}\n` },
  ],
  [
    "the package's own file, with the folder that it includes",
    {
      Dockerfile: 'FROM a\nCOPY docker/ /etc/supervisor/conf.d/\nCMD ["supervisord", "-n"]\n',
      'docker/web.conf': web,
      'docker/migrate.conf': migrate,
      'docker/README.md': '',
    },
  ],
  [
    'an include of the file',
    {
      Dockerfile: 'FROM a\nCOPY supervisord.conf /etc/\nCOPY programs /app/programs\nCMD ["supervisord"]\n',
      'supervisord.conf': '[supervisord]\nnodaemon=true\n[include]\nfiles = /app/programs/*.ini\n',
      'programs/all.ini': `${migrate}\n${web}`,
    },
  ],
  [
    'an entrypoint that starts it',
    {
      Dockerfile: `FROM a\nCOPY . /app\nCOPY programs.conf ${path}\nENTRYPOINT ["/app/entrypoint.sh"]\n`,
      'entrypoint.sh': `#!/bin/sh\nset -e\nexec supervisord --configuration=${path}\n`,
      'programs.conf': `${migrate}\n${web}`,
    },
  ],
] as const)('%s', async ([, files]) => {
  expect(await findingsOf(files)).toEqual(goesOn)
})

test('a migration before supervisord is one before the app', async () => {
  const start = `set -e\nalembic upgrade head\nexec supervisord -c ${path}`
  const files = {
    Dockerfile: `FROM a\nCOPY . /app\nCMD ["/app/start.sh"]\n`,
    'start.sh': start,
    'supervisord.conf': web,
  }
  expect(await findingsOf(files)).toEqual(['migrate-in-app'])
})

test('programs that start each other are read once', { timeout: 20_000 }, async () => {
  const programs = Array.from(
    { length: 40 },
    (_, i) => `[program:p${i}]\ncommand=sh -c "supervisorctl start all; supervisord"`,
  )
  const conf = `${migrate}\n${web}\n${programs.join('\n')}\n${programs.join('\nautostart=false\n').replaceAll(':p', ':q')}`
  expect(await findingsOf({ Dockerfile: dockerfile, 'docker/supervisord.conf': conf })).toEqual(goesOn)
})

test('a mounted file counts as well', async () => {
  const files = { Dockerfile: 'FROM a\n', 'supervisord.conf': `${migrate}\n${web}` }
  const service = `, command: supervisord -c ${path}, volumes: ["./supervisord.conf:${path}:ro"]`
  expect(await findingsOf(files, service)).toEqual(goesOn)
})

test.for([
  ['honcho start', 'web: alembic upgrade head && uvicorn main:app\nworker: celery -A app worker', ['migrate-in-app']],
  ['bundle exec foreman start', 'web: alembic upgrade head && uvicorn main:app\n', ['migrate-in-app']],
  // honcho ends all when one has failed
  ['honcho start', 'release: alembic upgrade head\nweb: uvicorn main:app\n', ['migrate-in-app']],
  ['honcho start web', 'release: alembic upgrade head\nweb: uvicorn main:app\n', ['no-migration-seen']],
  ['honcho start -f Procfile.other', 'web: alembic upgrade head && uvicorn main:app', ['no-migration-seen']],
] as const)('%s of %j', async ([command, procfile, expected]) => {
  expect(await findingsOf({ Dockerfile: `FROM a\nCOPY . .\nCMD ${command}\n`, Procfile: procfile })).toEqual(expected)
})

const scripts = JSON.stringify({ scripts: { migrate: 'prisma migrate deploy', start: 'node server.js' } })

test.for([
  ['npx concurrently "npm run migrate" "npm start"', goesOn],
  ['npx concurrently -n a,b "npm:migrate" "npm:start"', goesOn],
  ['concurrently -k "npm run migrate" "npm start"', ['migrate-in-app']],
  ['concurrently "npm start" "npm run worker"', ['no-migration-seen']],
  ['npx run-p -c migrate start', goesOn],
  ['npx run-p migrate start', ['migrate-in-app']],
  ['npx npm-run-all --parallel migrate start', ['migrate-in-app']],
  ['npx npm-run-all migrate --parallel start worker', ['migrate-in-app']],
  ['npx npm-run-all migrate start', ['migrate-in-app']],
  ['npx run-s migrate start', ['migrate-in-app']],
] as const)('%s', async ([command, expected]) => {
  expect(await findingsOf({ Dockerfile: `FROM a\nCOPY . .\nCMD ${command}\n`, 'package.json': scripts })).toEqual(
    expected,
  )
})

test.for([
  ['cont-init.d/50-migrate', '#!/usr/bin/with-contenv bash\nphp artisan migrate --force\n', '', goesOn],
  [
    'cont-init.d/50-migrate',
    'php artisan migrate --force\n',
    'ENV S6_BEHAVIOUR_IF_STAGE2_FAILS=2\n',
    ['migrate-in-app'],
  ],
  ['s6-overlay/s6-rc.d/migrate/up', 'php artisan migrate --force\n', '', ['migrate-in-app']],
  ['cont-init.d/10-chown', 'chown -R app /data\n', '', ['no-migration-seen']],
] as const)('s6 runs %s before its services: %s%s', async ([file, text, env, expected]) => {
  const files = {
    Dockerfile: `FROM a\nCOPY root/ /\n${env}ENTRYPOINT ["/init"]\n`,
    [`root/etc/${file}`]: text,
    'root/etc/services.d/php/run': '#!/bin/sh\nexec php-fpm\n',
  }
  expect(await findingsOf(files)).toEqual(expected)
})
