// Whatever stops a run, wherever it is, the next plain `up` comes to the end that an undisturbed run comes to.

import pg from 'pg'
import { inject } from 'vitest'
import { test } from '../../helpers/database.ts'
import { killMigrations } from '../../helpers/kill-migrations.ts'
import { type Cause, tryPoint, undisturbed } from '../../helpers/kill-point.ts'
import { inScratch, judge, pointsOf, timeout, tryAll } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'
import { ownServer } from '../../helpers/server.ts'

const causes: readonly (readonly [Cause, string, number])[] = [
  ['SIGKILL', 'killed outright at any message to the server', 4],
  ['cut', 'that loses its connection at any message to the server goes on by itself, and', 4],
  ['SIGTERM', 'told to stop at any message to the server', 10],
]

for (const [cause, how, nth] of causes) {
  test(`a run ${how} is finished by the next one`, { timeout }, async ({ admin }) => {
    const started = performance.now()
    const dir = await folder(killMigrations)
    const server = inject('postgres').url
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
    const points = pointsOf(cause, reference.messages.length, nth)
    const outcomes = await tryAll(points, 3, point =>
      inScratch(admin, server, url => tryPoint({ url, dir }, point, reference.end)),
    )
    judge(cause, outcomes, started)
  })
}

test('a run whose server crashes at any message to it goes on by itself once it is back', { timeout }, async () => {
  const started = performance.now()
  const dir = await folder(killMigrations)
  // what was committed without waiting for the disk stays off it for long: a crash loses it
  const server = await ownServer({ settings: { wal_writer_delay: '10s', wal_writer_flush_after: '100MB' } })
  const admin = new pg.Pool({ connectionString: server.url, max: 1 })
  admin.on('error', () => {})
  try {
    const reference = await inScratch(admin, server.url, url => undisturbed({ url, dir }))
    const points = pointsOf('crash', reference.messages.length, 12)
    const outcomes = await tryAll(points, 1, point =>
      inScratch(admin, server.url, url => tryPoint({ url, dir, server }, point, reference.end)),
    )
    judge('crash', outcomes, started)
  } finally {
    await admin.end()
  }
})
