// A name with several addresses, as that of a headless service: each may be another server. Only the name is not real.

import { createServer, connect as dial } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readTarget } from '../../../gate/postgres/target.ts'
import { silent } from '../../../migrator/log.ts'
import { connect } from '../../../migrator/postgres/connect.ts'
import { removeDataDir } from '../../../scripts/lib/postgres/data.ts'
import { preparedData, replicaPair } from '../../helpers/replication.ts'

vi.mock('node:dns/promises', () => ({
  lookup: async () => [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ],
}))

test.skipIf(process.platform !== 'linux')('a name leads to the one of its addresses whose server suits', async () => {
  const data = await preparedData(async () => {})
  onTestFinished(() => removeDataDir(data))
  const { primary, standby } = await replicaPair(data)
  // the same port at another address, as the servers behind one name have it
  const relay = createServer(client => {
    const upstream = dial(primary.port, primary.host)
    client.on('error', () => {}).pipe(upstream)
    upstream.on('error', () => {}).pipe(client)
  })
  await new Promise<void>(resolve => relay.listen(standby.port, '127.0.0.2', resolve))
  onTestFinished(() => void relay.close())

  const found = async (attributes: string) => {
    const url = standby.url.replace('127.0.0.1', 'localhost')
    const target = readTarget(`${url}?target_session_attrs=${attributes}`, {}, undefined, [])!
    const signal = new AbortController().signal
    const { client, endpoint } = await connect({ target, timeout: 5000, signal, log: silent, applicationName: 'test' })
    await client.end()
    return endpoint.host
  }
  expect(await found('standby')).toBe('localhost')
  expect(await found('read-write')).toBe('127.0.0.2')
  expect(await found('primary')).toBe('127.0.0.2')
})
