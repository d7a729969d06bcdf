// Commands of any length are read, and soon.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

/** doctor as a process of its own: what does not end cannot be ended from within. */
function check(app: string, file = '-', cwd = root) {
  const input = `services:\n  db: { image: "postgres:17" }\n  app:\n    image: example/app:1\n    environment: { PGHOST: db }\n${app}`
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'migrator/cli/main.ts'), 'doctor', '--format', 'json', file],
    {
      ...{ cwd, input, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
      env: { NODE_NO_WARNINGS: '1' },
    },
  )
  return {
    status,
    rules: status === 0 || status === 7 ? JSON.parse(stdout).findings.map((one: { rule: string }) => one.rule) : [],
  }
}

test.for(['tini', '/usr/bin/dumb-init', 'catatonit', '[tini, "-g"]', '[tini, "--"]'])(
  'an entrypoint of %s and nothing more starts the command',
  entrypoint => {
    const { status, rules } = check(
      `    entrypoint: ${entrypoint}\n    command: sh -c "alembic upgrade head && ./app"\n`,
    )
    expect([0, 7]).toContain(status)
    expect(rules).toContain('migrate-in-app')
  },
)

const starts = [
  ...[
    'migrate',
    'flask',
    'goose',
    'flyway',
    'atlas',
    'alembic',
    'python manage.py',
    'rails',
    'prisma',
    'artisan',
    'npm',
  ],
  ...[
    'npm run',
    'make',
    'node',
    'python3',
    'go run',
    'cargo run',
    'psql',
    'server',
    'dbmate',
    'hasura',
    'grate',
    'java',
  ],
  ...['npx', 'node migrat', './server', 'wait-for-it', 'dockerize'],
]
const ends = [
  '--flag ',
  '--flag value ',
  'word ',
  '-w ',
  '-w run ',
  '-s ',
  'run ',
  'a',
  'a.',
  'a_',
  'migrate -path ',
  'migrate ',
  '-x migrate_',
]

test('a command of thousands of words is read in a moment, whatever it starts with', { timeout: 120_000 }, () => {
  const commands = starts.flatMap(start => ends.map(end => `${start} ${end.repeat(1_000)}!`))
  const { status } = check(`    command: ["sh", "-c", ${JSON.stringify(commands.join('\n'))}]\n`)
  expect([0, 7]).toContain(status)
})

test.for([
  ['a list of tests', '[ a = a ] && '.repeat(30_000)],
  ['a test that is left open', `[[ a == a ${'&& a == a '.repeat(30_000)}`],
  ['a case of many patterns', `case a in ${'b) ./b ;; '.repeat(30_000)} esac`],
  ['compound commands inside of each other', 'if a; then ( '.repeat(30_000)],
  ['a loop for each of many migrations', 'for i in a; do alembic upgrade head; done\n'.repeat(20_000)],
  ['a value that is made of itself', 'A=x\n'.concat('A=$A$A\n'.repeat(40))],
  ['a test of spaces', `if [ "${' '.repeat(300_000)}" = a ]; then ./b; fi`],
] as const)('%s is read to its end', { timeout: 30_000 }, ([, text]) => {
  const { status } = check(`    command: ["sh", "-c", ${JSON.stringify(`${text}\nalembic upgrade head\n./app`)}]\n`)
  expect([0, 7]).toContain(status)
})

const body = 'f g f\n'.repeat(200)

test('functions that call themselves and each other are read to their end', () => {
  const script = `f() {\n${body}}\ng() {\n${body}}\n${body}alembic upgrade head\n./app`
  const { status } = check(`    command: ["sh", "-c", ${JSON.stringify(script)}]\n`)
  expect([0, 7]).toContain(status)
})

test('a script that calls itself is read to its end', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'doctor-endless-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  writeFileSync(join(cwd, 'start.sh'), './start.sh\n'.repeat(400))
  const service = 'image: a, environment: { PGHOST: db }, volumes: [".:/srv"], working_dir: /srv'
  writeFileSync(
    join(cwd, 'compose.yml'),
    `services: { db: { image: "postgres:17" }, app: { ${service}, command: ./start.sh } }`,
  )
  const { status } = check('', 'compose.yml', cwd)
  expect([0, 7]).toContain(status)
})

test('defaults inside of defaults are read to their end', () => {
  const nested = `${'${A:-'.repeat(5_000)}x${'}'.repeat(5_000)}`
  expect([0, 7]).toContain(check(`    labels: { a: '${nested}' }\n`).status)
})

test('variables that are never closed are read to their end', { timeout: 30_000 }, () => {
  expect([0, 7]).toContain(check(`    labels: { a: '${'${A'.repeat(400_000)}' }\n`).status)
})

test('a folder for initdb whose links lead back to it is read once', () => {
  const dir = mkdtempSync(join(tmpdir(), 'schemagate-links-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'schema.sql'), 'create table accounts (id int);')
  for (const name of ['a', 'b']) symlinkSync(dir, join(dir, name))
  const { rules } = check(`  pg: { image: "postgres:17", volumes: ["${dir}:/docker-entrypoint-initdb.d"] }\n`)
  expect(rules).toContain('initdb-migration')
})
