// A Postgres server of the test's own, to be stopped, crashed and configured without harm to other tests.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { removeDataDir } from '../../scripts/lib/postgres/data.ts'
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../../scripts/lib/postgres/server.ts'

/** Starts an embedded server on a free port; stopped, and its data removed, after the test. */
export async function ownServer(options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), `schemagate-test-${process.pid}-`))
  onTestFinished(() => removeDataDir(dataDir))
  const server = await startPostgres({
    dataDir,
    bin: inject('postgres').bin,
    password: 'test-password',
    fsync: false,
    ...options,
  })
  onTestFinished(() => server.stop('immediate'))
  return server
}
