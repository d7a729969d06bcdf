// What a script of the build context runs: here-documents, arguments of functions, arrays, options of the shell.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-shell-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

const dockerfile = 'FROM a\nCOPY entrypoint.sh /\nENTRYPOINT ["/entrypoint.sh"]\nCMD ["uvicorn", "app"]\n'

/** Role and steps of an app with this entrypoint, and the rules that it breaks. */
function read(script: string, others: Readonly<Record<string, string>> = {}) {
  return readFiles({ Dockerfile: dockerfile, 'entrypoint.sh': `#!/bin/bash\n${script}\n`, ...others })
}

/** @param command of the compose file, in YAML */
async function readFiles(files: Readonly<Record<string, string>>, command = '') {
  const cwd = join(folder, `${count++}`)
  mkdirSync(cwd)
  const app = `{ build: ., environment: { PGHOST: db }${command === '' ? '' : `, command: ${command}`} }`
  writeFileSync(join(cwd, 'compose.yml'), `services: { db: { image: "postgres:17" }, app: ${app} }`)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  const { stack, findings } = await diagnose([], { cwd, env: {}, docker: false })
  const { role, startup } = stack.members.get('app')!
  return {
    role,
    steps: startup.steps.map(({ text }) => text),
    rules: findings.filter(({ service }) => service === 'app').map(({ rule }) => rule.id),
  }
}

test.for([
  ['a here-document', "until python - <<'PY'\nfor x in range(9):\n    if x: pass\nPY\ndo sleep 1; done"],
  ['one with tabs', 'if true; then\n\tcat > a <<-END\n\tfor it\n\tEND\nfi'],
  ['two on a line', 'cat <<A; cat <<"B"\nwhile\nA\ncase\nB'],
  ['a here-string', 'cat <<< "for x"'],
  ['a shift of bits', '(( n = 1 << 3 ))\nx=$((1 << 2))'],
  ['a loop with arithmetic', 'for ((i = 0; i < 3; i++)); do echo $i; done'],
] as const)('%s opens nothing: what stands behind it is run', async ([, text]) => {
  const { role, steps, rules } = await read(`set -e\n${text}\nalembic upgrade head\nexec "$@"`)
  expect(role).toBe('app')
  expect(steps.slice(-2)).toEqual(['alembic upgrade head', 'uvicorn app'])
  expect(rules).toContain('migrate-in-app')
})

test('an array begins no function', async () => {
  const { steps } = await read('ARGS=(--workers 4)\n{ alembic upgrade head; }\nexec "$@"')
  expect(steps).toContain('alembic upgrade head')
})

test('a here-document that a shell is given is its script', async () => {
  const { steps } = await read('bash -e <<EOF\ncd /srv\nalembic upgrade head\nEOF\nexec "$@"')
  expect(steps).toEqual(['cd /srv', 'alembic upgrade head', 'uvicorn app'])
})

test.for([
  ['"$@"', 'retry() { until "$@"; do sleep 1; done; }\nretry alembic upgrade head'],
  ['"${@}" behind a shift', 'retry() { n=$1; shift; until "${@}"; do sleep $n; done; }\nretry 5 alembic upgrade head'],
  ['"${@:2}"', 'run() { echo "$1"; "${@:2}"; }\nrun Migrating alembic upgrade head'],
  ['$2', 'run() { echo $1; sh -c "$2"; }\nrun Migrating "alembic upgrade head"'],
  ['a function', 'up() { alembic upgrade head; }\nretry() { "$@" || exit 1; }\nretry up'],
] as const)('the arguments of a function: %s', async ([, text]) => {
  const { role, steps } = await read(`set -e\n${text}\nexec "$@"`)
  expect(role).toBe('app')
  expect(steps.filter(step => step === 'alembic upgrade head')).toHaveLength(1)
  expect(steps.filter(step => step === 'uvicorn app')).toHaveLength(1)
})

test.for([
  'set -o pipefail -o errexit',
  'set -u -e -o pipefail',
  'set -eo pipefail',
  "trap 'exit 1' ERR",
  'fail() { exit 1; }\ntrap fail ERR',
])('a failure ends a script with %s', async options => {
  const { rules } = await read(`${options}\nalembic upgrade head\nexec "$@"`)
  expect(rules).not.toContain('chain-ignores-failure')
})

test.for(['set -o pipefail', 'set -e\nset +o errexit', "trap 'echo failed' ERR", "trap 'exit 1' TERM", 'set -- -e'])(
  'a failure does not end a script with %s',
  async options => {
    const { rules } = await read(`${options}\nalembic upgrade head\nexec "$@"`)
    expect(rules).toContain('chain-ignores-failure')
  },
)

test.for([
  ['[ "${1}" == "uvicorn" ] && [ "${2}" == "app" ]', true],
  ['[ "${@: -2:1}" == "uvicorn" ] && [ "${@: -1:1}" == "app" ]', true],
  ['[[ "$1" == uvicorn && "$2" == app ]]', true],
  ['[ "$1" = celery ] || [ "$1" = uvicorn ]', true],
  ['[ "$1" = uvicorn -a "$2" = app ]', true],
  ['[ "$1" = uvicorn ] && command -v alembic', true],
  ['[ "$1" = uvicorn ] && ! [ "$2" = worker ]', true],
  ['! [ "$1" = uvicorn ] || [ "$2" = app ]', true],
  ['[ "$1" = uvicorn ] && [ "$2" = worker ]', false],
  ['[ "${@: -3:1}" = uvicorn ] && [ "$2" = app ]', false],
  ['[[ "$1" == celery || "$2" == worker ]]', false],
  ['test "$1" = celery', false],
  ['[ "$1" = celery -o "$2" = worker ]', false],
  ['[[ "$1" == uvi* ]]', true],
] as const)('a migration behind the test %s is run: %s', async ([condition, isRun]) => {
  const { steps } = await read(`if ${condition}; then\n  alembic upgrade head\nfi\nexec "$@"`)
  expect(steps.includes('alembic upgrade head')).toBe(isRun)
  expect(steps.at(-1)).toBe('uvicorn app')
})

test.for([
  ['[ "$1" = uvicorn ] && alembic upgrade head', true],
  ['[ "$1" = celery ] || alembic upgrade head', true],
  ['[ "$1" = uvicorn ] || echo && alembic upgrade head', true],
  ['[ -n "$2" ] && [ "$2" = app ] && { cd /srv; alembic upgrade head; }', true],
  ['case "$1" in uvi*) alembic upgrade head ;; esac', true],
  ['case "$1" in celery) ;; *) alembic upgrade head ;; esac', true],
  ['[ "$1" = celery ] && alembic upgrade head', false],
  ['[ "$1" = celery ] &&\n  echo Migrating && alembic upgrade head', false],
  ['[ "$1" = uvicorn ] || alembic upgrade head', false],
  ['test "$2" = worker && { cd /srv; alembic upgrade head; }', false],
  ['[[ "$1" == celery && "$2" == worker ]] && alembic upgrade head', false],
  ['case "$1" in uvi*) ;; *) alembic upgrade head ;; esac', false],
] as const)('a migration in %s is run: %s', async ([list, isRun]) => {
  const { steps } = await read(`${list}\nexec "$@"`)
  expect(steps.includes('alembic upgrade head')).toBe(isRun)
  expect(steps.at(-1)).toBe('uvicorn app')
})

const waits = 'until pg_isready -h db; do sleep 1; done'

test.for([
  ['"$@"', `${waits}\nexec "$@"`, './wait.sh'],
  ['a variable', `host="$1"\nshift\ncmd="$@"\n${waits}\nexec $cmd`, './wait.sh db'],
  ['an array', `shift\nRUN=("$@")\n${waits}\nexec "\${RUN[@]}"`, './wait.sh db'],
  ['its own name', `shift\n${waits}\nexec "$@"`, './wait-for-postgres.sh db'],
] as const)('a script runs what it is called with: %s', async ([, text, call]) => {
  const name = call.split(' ')[0]!
  const { steps, rules } = await readFiles(
    { [name]: `#!/bin/bash\nset -e\n${text}` },
    `sh -c "${call} alembic upgrade head; uvicorn app"`,
  )
  expect(steps.slice(-2)).toEqual(['alembic upgrade head', 'uvicorn app'])
  expect(rules).toContain('chain-ignores-failure')
})

test('a wait that is called by no name of its own, with the command behind its dashes', async () => {
  const { steps } = await readFiles({}, 'bin/docker-wait.sh db:5432 -- alembic upgrade head')
  expect(steps).toEqual(['bin/docker-wait.sh db:5432', 'alembic upgrade head'])
})

test('an address is no command that a wait runs', async () => {
  const { steps } = await readFiles(
    { 'wait-for-it.sh': 'while ! nc -z $1; do sleep 1; done\nexec "$@"' },
    'sh -c "./wait-for-it.sh db:5432 && alembic upgrade head"',
  )
  expect(steps).toEqual(['./wait-for-it.sh db:5432', 'alembic upgrade head'])
})

test.for([
  ['web', ['alembic upgrade head', 'uvicorn app']],
  ['worker', ['celery worker']],
] as const)('a script that is called with %s does what it does for that', async ([part, expected]) => {
  const start = 'case "$1" in\nweb) alembic upgrade head && uvicorn app ;;\nworker) celery worker ;;\nesac'
  const { steps } = await readFiles({ 'start.sh': start }, `./start.sh ${part}`)
  expect(steps).toEqual(expected)
})

test('an entrypoint that hands the command on to another script runs that, too', async () => {
  const { steps } = await read('exec ./prestart.sh "$@"', { 'prestart.sh': 'alembic upgrade head\nexec "$@"' })
  expect(steps).toEqual(['alembic upgrade head', 'uvicorn app'])
})

test.for([
  [';', true],
  ['&', true],
  ['&&', false],
  ['|| exit 1;', false],
] as const)('`set -e` in a script ends that script: behind it `%s`', async ([operator, isIgnored]) => {
  const files = { 'migrate.sh': 'set -e\nalembic upgrade head\necho done' }
  const { rules } = await readFiles(files, `sh -c "./migrate.sh ${operator} uvicorn app"`)
  expect(rules.includes('chain-ignores-failure')).toBe(isIgnored)
})

test.for([
  ['if ! alembic upgrade head; then echo failed; fi', true],
  ['if alembic upgrade head; then echo done; else echo failed; fi', true],
  ['if alembic upgrade head; then echo done; fi', true],
  ['if ! alembic upgrade head; then echo failed; exit 1; fi', false],
  ['if alembic upgrade head; then echo done; else exit 1; fi', false],
  ['fail() { exit 1; }\nif ! alembic upgrade head; then fail; fi', false],
  ['if ! alembic upgrade head; then failed=1; fi\nif [ "$failed" = 1 ]; then exit 1; fi', false],
  ['if ! alembic upgrade head; then sleep 5; alembic upgrade head || exit 1; fi', false],
] as const)('a failure that is tested is ignored where nothing ends by it: %s', async ([text, isIgnored]) => {
  const { rules } = await read(`set -e\n${text}\nexec "$@"`)
  expect(rules.includes('chain-ignores-failure')).toBe(isIgnored)
})

test.for([
  'if alembic upgrade head; then exec "$@"; fi',
  'main() { if alembic upgrade head; then exec "$@"; fi; }\nmain "$@"',
])('an app that only the success of the migration starts: %s', async script => {
  const { rules } = await read(script)
  expect(rules).not.toContain('chain-ignores-failure')
})

test.for([
  ['RUN=${RUN:-true}\nif [ "$RUN" = true ]', true],
  [': "${RUN:=true}"\nif [ "$RUN" = true ]', true],
  ['RUN="${RUN:-false}"\nif [ "$RUN" = true ]', false],
  ['export ROLE=${CONTAINER_ROLE:-app}\nif [ "$ROLE" = app ]', true],
  ['export ROLE\nif [ "$ROLE" = app ]', false],
  ['MODE=$1\nif [ "$MODE" = uvicorn ]', true],
  ['MODE=$1\nif [ "$MODE" = worker ]', false],
  // what it is set to is not known, or only sometimes
  ['COUNT=$(psql -Atc "select 1")\nif [ "$COUNT" = 1 ]', true],
  ['if [ -f /on ]; then RUN=true; fi\nif [ "$RUN" = true ]', true],
  ['RUN=false\n[ -f /on ] && RUN=true\nif [ "$RUN" = true ]', true],
  ['READY=0\nfor i in 1 2; do pg_isready && READY=1 && break; done\nif [ "$READY" = 1 ]', true],
  ['read RUN < /on\nif [ "$RUN" = true ]', true],
  ['RUN=true env\nif [ "$RUN" = true ]', false],
] as const)('a test of what the script itself has set: %s', async ([test, expected]) => {
  const { steps } = await read(`${test}; then alembic upgrade head; fi\nexec "$@"`)
  expect(steps.includes('alembic upgrade head')).toBe(expected)
})

test('a variable of a function is that of each call', async () => {
  const migrate = 'run() { local what="$1"; if [ "$what" = all ]; then alembic upgrade head; fi; }'
  expect((await read(`${migrate}\nrun app\nexec "$@"`)).steps).not.toContain('alembic upgrade head')
  expect((await read(`${migrate}\nrun app\nrun all\nexec "$@"`)).steps).toContain('alembic upgrade head')
})
