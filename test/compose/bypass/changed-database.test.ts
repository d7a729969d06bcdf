// Scenarios of a database that is changed under a running app: from then on nothing may be served that does not match.

import { describe, expect } from 'vitest'
import type { Stack } from '../scenario/stack.ts'
import { matched, migrate, migrator, newest, succeeds } from '../scenario/steps.ts'
import { type Span, test } from '../scenario/witness.ts'

/** The most that a running app may hold up a restore, in milliseconds. */
const moment = 5_000

const ways = {
  'pg_restore --clean': 'pg_restore $connect --clean --if-exists /tmp/older.dump',
  'pg_restore --clean --single-transaction':
    'pg_restore $connect --clean --if-exists --single-transaction /tmp/older.dump',
  psql: 'psql $connect -Xqf /tmp/older.sql',
  'psql --single-transaction': 'psql $connect -Xq --single-transaction -v ON_ERROR_STOP=1 -f /tmp/older.sql',
}

describe('must not serve unmigrated', () => {
  test('an app under which an older dump is restored', async ({ stack, witness, task }) => {
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    await migrator(stack, 0, 'up', '--to', '0003_ticket_activity')
    await inPostgres(stack, 'pg_dump $connect --format=custom --file=/tmp/older.dump')
    await inPostgres(stack, 'pg_dump $connect --clean --if-exists --file=/tmp/older.sql')
    const undisturbed = await inPostgres(stack, ways['pg_restore --clean'])
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))

    const spans: Span[] = []
    for (const [way, command] of Object.entries(ways)) {
      const { took, ended: from } = await inPostgres(stack, command)
      await witness.refuses('behind')
      const until = await migrate(stack)
      await witness.serves(until)
      spans.push({ from, until })
      console.log(`${task.name}: ${way} took ${took} ms, ${undisturbed.took} ms without an app`)
      expect(took).toBeLessThan(undisturbed.took + moment)
    }
    await witness.verdict(...spans)
  })

  test('an app under which the ledger is dropped', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))
    const at = 'select extract(epoch from clock_timestamp()) * 1000'
    const from = Number(await stack.sql('drop schema schemagate cascade', at))
    await witness.refuses('unmigrated')
    // To the migrator the database is one that something else has made: it changes nothing.
    await migrator(stack, 6, 'up')
    await witness.refuses('unmigrated')
    await migrator(stack, 0, 'baseline', '0006_ticket_activity_required')
    const until = await newest(stack)
    // The grants went with the schema, and the baseline has made them again: the next run has nothing to do.
    const ended = (await migrator(stack, 0, 'up')).findLast(({ event }) => event === 'run')
    await witness.serves(Date.parse(String(ended?.time)))
    await witness.verdict({ from, until })
  })
})

/** Runs a program of Postgres' as the owner, in its container: how long it took, and when it had ended. */
async function inPostgres(stack: Stack, command: string): Promise<{ took: number; ended: number }> {
  const connect = '-h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"'
  const script = `date +%s%3N; ${command.replace('$connect', connect)} >&2; date +%s%3N`
  const { id = '' } = (await stack.container('postgres')) ?? {}
  const run = () => stack.docker('exec', id, 'sh', '-ec', script)
  let { exitCode, stdout, stderr } = await run()
  // Where a restore in one transaction and the app's requests wait for each other in a circle, Postgres may end the restore
  // instead of a request: it has then changed nothing, and is run again.
  for (let again = 0; again < 5 && exitCode !== 0 && stderr.includes('deadlock detected'); again++)
    ({ exitCode, stdout, stderr } = await run())
  expect(exitCode, stderr).toBe(0)
  const [begun = Number.NaN, ended = Number.NaN] = stdout.trim().split('\n').map(Number)
  return { took: ended - begun, ended }
}
