// What becomes of a migration that fails: in a list, in a group, in a loop that tries again.

import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

/** Whether an app with this entrypoint is found to serve after a failed migration. */
async function isIgnored(script: string): Promise<boolean> {
  const cwd = writtenFolder({
    'compose.yml': 'services: { db: { image: "postgres:17" }, app: { build: ., environment: { PGHOST: db } } }',
    Dockerfile: 'FROM a\nCOPY entrypoint.sh /\nENTRYPOINT ["/entrypoint.sh"]\nCMD ["uvicorn", "app"]\n',
    'entrypoint.sh': `#!/bin/bash\n${script}\n`,
    'start.sh': '#!/bin/bash\necho Starting\nexec "$@"',
  })
  const { stack, findings } = await diagnose([], { cwd, env: {}, docker: false })
  expect(stack.members.get('app')!.migration?.tool).toBe('Alembic')
  return findings.some(({ rule }) => rule.id === 'chain-ignores-failure')
}

const [migrate, serve] = ['alembic upgrade head', 'exec "$@"']

test.for([
  [`${migrate} && if [ -n "$DEBUG" ]; then echo debug; fi && uvicorn app`, false],
  [`${migrate} && if [ "$ENV" = dev ]; then uvicorn app --reload; else uvicorn app; fi`, false],
  [`${migrate} && for i in a b; do echo $i; done && uvicorn app`, false],
  [`${migrate} && { echo a; uvicorn app; }`, false],
  [`${migrate} && ( echo a; uvicorn app )`, false],
  [`${migrate} && ./start.sh "$@"`, false],
  [`serve() { echo a; uvicorn app; }\n${migrate} && serve`, false],
  [`${migrate} && if [ "$ENV" = dev ]; then echo dev; fi; uvicorn app`, true],
] as const)('the list goes on with a compound command: %s', async ([script, expected]) => {
  expect(await isIgnored(script)).toBe(expected)
})

test.for([
  [`{ ${migrate}; } || exit 1\n${serve}`, false],
  [`(cd /srv && ${migrate}) || exit 1\n${serve}`, false],
  [`(cd /srv && ${migrate}) && ${serve}`, false],
  [`set -e\n(cd /srv && ${migrate})\n${serve}`, false],
  [`set -e\n(cd /srv; ${migrate}; echo done)\n${serve}`, false],
  [`if [ -z "$NO_DB" ]; then ${migrate}; fi || exit 1\n${serve}`, false],
  [`set -e\n(cd /srv && ${migrate}) || echo failed\n${serve}`, true],
  [`set -e\n{ ${migrate}; } || true\n${serve}`, true],
  [`(cd /srv && ${migrate})\n${serve}`, true],
  [`set -e\n(cd /srv; ${migrate}; echo done) || exit 1\n${serve}`, true],
  [`set -e\nprepare() { ${migrate}; echo done; }\nprepare || echo failed\n${serve}`, true],
  [`set -e\nprepare() { ${migrate}; echo done; }\nprepare\n${serve}`, false],
  [`prepare() { echo a; ${migrate}; }\nprepare || exit 1\n${serve}`, false],
] as const)('what a group ends with counts: %s', async ([script, expected]) => {
  expect(await isIgnored(script)).toBe(expected)
})

test.for([
  [`until ${migrate}; do sleep 1; done`, false],
  [`while ! ${migrate}; do sleep 1; done`, false],
  [`while true; do ${migrate} && break; sleep 1; done`, false],
  [`while :; do if ${migrate}; then break; fi; sleep 1; done`, false],
  [`until ${migrate}; do n=$((n + 1)); if [ $n -ge 5 ]; then echo failed; exit 1; fi; sleep 1; done`, false],
  [`for i in 1 2 3; do if ${migrate}; then break; fi; if [ $i = 3 ]; then exit 1; fi; sleep 1; done`, false],
  [`for i in 1 2 3; do ${migrate} && break; [ $i -eq 3 ] && exit 1; sleep 1; done`, false],
  [`for i in 1 2 3; do ${migrate} && ok=1 && break; sleep 1; done\n[ "$ok" = 1 ] || exit 1`, false],
  [`done=0\nwhile [ $done -eq 0 ]; do ${migrate} && done=1; done`, false],
  [`set -e\nfor name in a b; do ${migrate}; done`, false],
  [`retry() { for i in 1 2 3; do ${migrate} && return 0; sleep 1; done; return 1; }\nset -e\nretry`, false],
  [`for i in 1 2 3; do ${migrate} && break; sleep 1; done`, true],
  [`set -e\nfor i in 1 2 3; do ${migrate} && break || sleep 1; done`, true],
  [`set -e\nfor i in 1 2 3; do if ${migrate}; then echo done; break; fi; sleep 1; done`, true],
  [`n=0\nuntil [ $n -ge 5 ]; do ${migrate} && break; n=$((n + 1)); sleep 1; done`, true],
  [`n=0\nwhile [ $n -lt 5 ]; do ${migrate} && break; n=$((n + 1)); sleep 1; done`, true],
  [`until ${migrate}; do n=$((n + 1)); if [ $n -ge 5 ]; then echo failed; break; fi; sleep 1; done`, true],
  [`while true; do ${migrate} && break; n=$((n + 1)); [ $n -gt 5 ] && break; done`, true],
  [`while true; do n=$((n + 1)); [ $n -gt 5 ] && break; ${migrate} && break; done`, true],
  [`for name in a b; do ${migrate}; done`, true],
] as const)('a loop that ends without a success goes on: %s', async ([script, expected]) => {
  expect(await isIgnored(`${script}\n${serve}`)).toBe(expected)
})

test.for([
  [`${migrate}\nif [ $? -ne 0 ]; then echo failed; fi\n${serve}`, true],
  [`set +e\n${migrate}\ncode=$?\nset -e\nif [ $code -ne 0 ]; then echo failed; else echo done; fi\n${serve}`, true],
  [`${migrate}\nif [ $? -ne 0 ]; then echo failed; exit 1; fi\n${serve}`, false],
  [`${migrate}\ncode=$?\nif [ $code -ne 0 ]; then exit $code; fi\n${serve}`, false],
  [`${migrate}\nif [ $? -eq 0 ]; then ${serve}; fi`, false],
  [`${migrate}\n[ $? -eq 0 ] && ${serve}`, false],
  [`fail() { exit 1; }\n${migrate}\nif [ $? -ne 0 ]; then fail; fi\n${serve}`, false],
  [
    `set -e\n${migrate} || code=$?\necho done\nif [ "\${code:-0}" -ne 0 ]; then echo a; echo b; exit 1; fi\n${serve}`,
    false,
  ],
  [`code=0\n${migrate} || code=$?\n[ "$code" = 0 ] || exit "$code"\n${serve}`, false],
  [`${migrate} || code=$?\necho "$code"\n${serve}`, true],
] as const)('an exit code that is looked at: %s', async ([script, expected]) => {
  expect(await isIgnored(script)).toBe(expected)
})

test.for([
  ['for i in 1 2 3; do alembic upgrade head && break; sleep 1; done', true],
  ['for i in 1 2 3; do alembic upgrade head && break; done', false],
  ['until alembic upgrade head; do sleep 1; done', false],
] as const)('a one-shot ends with what its loop ends with: %s', async ([script, expected]) => {
  expect(await isIgnored(script)).toBe(expected)
})

test.for([
  ['sh -c "alembic upgrade head &"', true],
  ['sh -c "nohup alembic upgrade head > /dev/null 2>&1 &"', true],
  ['sh -c "alembic upgrade head | tee /log"', true],
  ['bash -o pipefail -c "alembic upgrade head | tee /log"', false],
  ['["bash", "-eo", "pipefail", "-c", "alembic upgrade head | tee /log"]', false],
] as const)('the one-shot %s ends well all the same', async ([command, expected]) => {
  const migrate = `migrate: { image: a, environment: { PGHOST: db }, command: ${command} }`
  const cwd = writtenFolder({ 'compose.yml': `services:\n  db: { image: "postgres:17" }\n  ${migrate}\n` })
  const { findings } = await diagnose([], { cwd, env: {}, docker: false })
  expect(findings.some(({ rule }) => rule.id === 'chain-ignores-failure')).toBe(expected)
})
