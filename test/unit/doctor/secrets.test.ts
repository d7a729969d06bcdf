// Passwords that a command holds, by Compose's variables or as they are: what doctor prints, and what it writes.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { doctor } from '../../../migrator/doctor/doctor.ts'
import { init } from '../../../migrator/init/init.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

function project(app: string, env = 'DB_PASSWORD=hunter2\n', more: Record<string, string> = {}): string {
  const cwd = join(folder, `${count++}`)
  mkdirSync(cwd)
  const text = `services:\n  db: { image: "postgres:17" }\n  app:\n    environment: { PGHOST: db }\n${app}`
  for (const [name, content] of Object.entries({ 'compose.yml': text, '.env': env, ...more }))
    writeFileSync(join(cwd, name), content)
  return cwd
}

/** All that doctor prints with --fix, and the services of the overlay. */
async function fixed(cwd: string, format: 'text' | 'json' | 'github' = 'text', docker = false) {
  const lines: string[] = []
  const print = (text: string) => void lines.push(text)
  const env = docker ? { PATH: process.env.PATH, HOME: process.env.HOME } : {}
  await doctor({
    ...{ files: [], format, all: true, fix: true, trial: false, signal: AbortSignal.timeout(30_000) },
    ...{ color: false, width: 200, diagnose: { cwd, env, docker }, print, say: print },
  })
  return { text: lines.join('\n'), services: parse(readFileSync(join(cwd, 'compose.schemagate.yml'), 'utf8')).services }
}

const migrates = (url: string) =>
  `    image: example/app:1\n    command: sh -c "migrate -database ${url} up; exec ./server"\n`

test.for(['text', 'json', 'github'] as const)('a value from .env is not shown as %s', async format => {
  const { text } = await fixed(project(migrates('postgres://app:${DB_PASSWORD}@db/app')), format)
  expect(text).toContain('migrate -database postgres://app:${DB_PASSWORD}@db/app up')
  expect(text).not.toContain('hunter2')
})

test.for([
  ['by the YAML alone', 'DB_PASSWORD=hunter2\n', false],
  ['by docker', 'DB_PASSWORD=hunter2\n', true],
  ['where it has no value', '', false],
] as const)('the one-shot has the variable, as the file has it, %s', async ([, env, docker]) => {
  const { services } = await fixed(project(migrates('postgres://app:${DB_PASSWORD}@db/app'), env), 'text', docker)
  expect(services['app-migrate'].command).toEqual(['exec migrate -database postgres://app:${DB_PASSWORD}@db/app up'])
  expect(services.app.command).toEqual(['sh', '-c', 'exec ./server'])
})

test("only the dollar signs that are the container's shell's are doubled, and quotes stay", async () => {
  const command = `["sh", "-c", 'migrate -path "$$DIR" -database "\${URL:-a b}" up; exec ./server $$(hostname) > log']`
  const { services } = await fixed(project(`    image: example/app:1\n    command: ${command}\n`))
  expect(services['app-migrate'].command).toEqual(['exec migrate -path "$$DIR" -database "${URL:-a b}" up'])
  expect(services.app.command).toEqual(['sh', '-c', 'exec ./server $$(hostname) > log'])
})

test('a command that a variable holds is neither shown nor taken apart', async () => {
  const env = 'COMMAND=\'sh -c "migrate -database postgres://app:hunter2@db/app up; exec ./server"\'\n'
  const { text, services } = await fixed(project('    image: example/app:1\n    command: ${COMMAND}\n', env))
  expect(text).toContain('app goes on when one of its commands fails')
  expect(text).not.toContain('hunter2')
  expect(services['app-migrate']).toBeUndefined()
})

test('a wait is shown with the variable', async () => {
  const loop = `until psql postgres://app:\${DB_PASSWORD}@db/app -c 'select 1'; do sleep 1; done; exec ./server`
  const { text } = await fixed(project(`    image: example/app:1\n    command: sh -c "${loop}"\n`))
  expect(text).toContain('waits with `psql postgres://app:${DB_PASSWORD}@db/app')
  expect(text).not.toContain('hunter2')
})

test('a password in the command itself is not shown, however long the command is', async () => {
  const url = `postgres://application:hunter2${'x'.repeat(60)}@db/app`
  expect((await fixed(project(migrates(url)))).text).not.toContain('hunter2')
})

test('init has the variable, too, of a command in a script', async () => {
  const files = {
    Dockerfile: 'FROM a\nCOPY entrypoint.sh /\nENTRYPOINT ["/entrypoint.sh"]\nCMD ["./server"]\n',
    'entrypoint.sh': '#!/bin/sh\nset -e\nmigrate -database "$URL" up\nexec "$@"\n',
  }
  const cwd = project('    build: .\n', '', files)
  const lines: string[] = []
  const print = (text: string) => void lines.push(text)
  await init({
    ...{ dryRun: true, asking: { isInteractive: false, print }, database: undefined, app: undefined },
    ...{ migrations: undefined, command: undefined, diagnose: { cwd, env: {}, docker: false }, color: false },
    ...{ width: 120, print },
  })
  expect(lines.join('\n')).toContain('migrate -database "$$URL" up')
})

test('a password that the file has is in the overlay, and is not shown', async () => {
  for (const environment of [
    '{ PGHOST: db, DB_PASSWORD: hunter2, API_TOKEN: "hunter2=", OTHER_PASS: "${PW:-hunter2}", PASSWORD_FILE: /run/pw, A: "${PW}" }',
    '["PGHOST=db", "SECRET_KEY=hunter2"]',
  ]) {
    const cwd = project('    image: example/app:1\n    command: sh -c "migrate up; exec ./server"\n')
    const path = join(cwd, 'compose.yml')
    writeFileSync(path, readFileSync(path, 'utf8').replace('{ PGHOST: db }', environment))
    const shown = await fixed(cwd)
    expect(shown.text).toContain('***')
    expect(shown.text).toContain('- PGPASSWORD="$$POSTGRES_PASSWORD" PGCONNECT_TIMEOUT=3 psql')
    expect(shown.text).not.toContain('hunter2')
    expect(JSON.stringify(shown.services['app-migrate'])).toContain('hunter2')
  }
})

test('an overlay that is among the files is written again whole', async () => {
  const cwd = project('    image: example/app:1\n    command: sh -c "migrate up; exec ./server"\n')
  const first = await fixed(cwd)
  const path = join(cwd, 'compose.yml')
  writeFileSync(path, `${readFileSync(path, 'utf8')}  worker: { image: b, environment: { PGHOST: db } }\n`)
  writeFileSync(join(cwd, '.env'), 'COMPOSE_FILE=compose.yml:compose.schemagate.yml\n')
  const second = await fixed(cwd)
  expect(Object.keys(second.services)).toEqual(expect.arrayContaining([...Object.keys(first.services), 'worker']))
})
