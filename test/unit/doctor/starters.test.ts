// What starts a command behind its own words: another user, a limit, the project's own tool.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-starters-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

async function errorsOf(command: string, key = 'command', files: Record<string, string> = {}) {
  const cwd = join(folder, `${count++}`)
  mkdirSync(cwd)
  writeFileSync(
    join(cwd, 'compose.yml'),
    `services:\n  db: { image: "postgres:17" }\n  app:\n    build: .\n    environment: { PGHOST: db }\n    ${key}: ${JSON.stringify(command)}\n`,
  )
  writeFileSync(join(cwd, 'Dockerfile'), 'FROM a\nCOPY . /app\n')
  const scripts = { 'start.sh': '#!/bin/sh\nprisma migrate deploy\nexec node server.js\n', ...files }
  for (const [name, text] of Object.entries(scripts)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  const { findings } = await diagnose([], { cwd, env: {}, docker: false })
  return findings.filter(({ rule }) => rule.id === 'chain-ignores-failure')
}

test.for([
  ...['runuser -u app --', 'setpriv --reuid 1000 --clear-groups', 'gosu app', 'su-exec app:app', 's6-setuidgid app'],
  ...['sudo -E -u app', 'doas -u app', 'chroot --userspec=app /', 'chpst -u app', 'env -i X=Y', 'env -u X Y=Z'],
  ...['timeout 60', 'timeout -k 5 1m', 'nice', 'nice -n 10', 'ionice -c 3', 'stdbuf -oL', 'setsid', 'flock -n /lock'],
  ...['exec', 'time -p', 'nohup', 'tini -s --', 'dumb-init', '/usr/bin/timeout -s KILL 60 gosu app'],
  ...['poetry run', 'uv run --no-sync', 'pipenv run', 'bundle exec', 'pnpm exec', 'npx'],
])('the command behind %s is read', async starter => {
  expect(await errorsOf(`${starter} ./start.sh`)).toHaveLength(1)
  expect(await errorsOf(`${starter} sh -c "alembic upgrade head; uvicorn app"`)).toHaveLength(1)
  expect(await errorsOf(`sh -c '${starter} ./start.sh'`)).toHaveLength(1)
  expect(await errorsOf(`${starter} sh -c "alembic upgrade head && uvicorn app"`)).toEqual([])
})

test.for([
  'su app -c "alembic upgrade head; uvicorn app"',
  'su - app -s /bin/sh -c "alembic upgrade head; uvicorn app"',
  'su -c "./start.sh" app',
  'runuser -l app -c "alembic upgrade head; uvicorn app"',
  'flock /lock -c "alembic upgrade head; uvicorn app"',
])('a shell of its own is read, and not taken apart: %s', async command => {
  for (const key of ['command', 'entrypoint']) {
    const found = await errorsOf(command, key)
    expect(found).toHaveLength(1)
    expect(found[0]!.patch).toBeUndefined()
  }
  expect(await errorsOf('su app -c "alembic upgrade head && uvicorn app"')).toEqual([])
})

test('the overlay keeps what starts a command', async () => {
  const [found] = await errorsOf('poetry run sh -c "alembic upgrade head; timeout 60 uvicorn app"')
  expect(found?.patch?.services).toMatchObject({
    'app-migrate': { command: ['exec poetry run alembic upgrade head'] },
    app: { command: ['sh', '-c', 'exec poetry run timeout 60 uvicorn app'] },
  })
})

test('a program that only looks for another is none', async () => {
  expect(await errorsOf('sh -c "command -v migrate; uvicorn app"')).toEqual([])
})

test('a script whose name has no ending is read where its first line names a shell', async () => {
  const script = 'prisma migrate deploy\nexec node server.js\n'
  const read = (text: string) => errorsOf('./bin/start', 'command', { 'bin/start': text })
  expect(await read(`#!/bin/sh\n${script}`)).toHaveLength(1)
  expect(await read(`#!/usr/bin/env bash\n${script}`)).toHaveLength(1)
  // of another language, or a program that happens to have such a text in it
  expect(await read(`#!/usr/bin/env python3\n${script}`)).toEqual([])
  expect(await read(script)).toEqual([])
})
