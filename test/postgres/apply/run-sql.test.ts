// Many statements as one message: what is known when it has failed.

import { createServer, connect as dial } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { createMigrator } from '../../../migrator/index.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

/** Passes everything on, but the server's ReadyForQuery always a moment later than what stands before it. */
async function lateReadyForQuery(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const server = createServer(client => {
    const upstream = dial({ host: hostname, port: Number(port) })
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      const split = chunk.length > 6 && chunk.at(-6) === 'Z'.charCodeAt(0) ? chunk.length - 6 : chunk.length
      client.write(chunk.subarray(0, split))
      if (split === chunk.length) return
      upstream.pause()
      setTimeout(() => {
        client.write(chunk.subarray(split))
        upstream.resume()
      }, 10)
    })
    for (const socket of [client, upstream])
      socket.on('error', () => {}).on('close', () => [client, upstream].map(s => s.destroy()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const through = new URL(url)
  through.host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  return through.href
}

// Otherwise the rollback is left out, and the next statement fails with 25P02: exit 1, as if it were a bug.
test('a failure is rolled back also when the server says late how its transaction stands', async ({ database }) => {
  const databaseUrl = await lateReadyForQuery(database.url)
  const failing = await folder({ '1_a.sql': '-- migrate:up transaction:false\nselect nonsense;\n' })
  expect(await createMigrator({ databaseUrl, dir: failing }).up()).toMatchObject({
    exitCode: 5,
    error: { place: { line: 2, column: 8 } },
  })
  // only the server knows that this is forbidden in a transaction: tried in one, then again without
  const reindex = await folder({
    '1_a.sql': 'create table a (id int primary key) partition by range (id);\n',
    '2_b.sql': 'create table b (id int);\nreindex table a;\n',
  })
  expect(await createMigrator({ databaseUrl, dir: reindex }).up()).toMatchObject({ exitCode: 0, outcome: 'applied' })
})
