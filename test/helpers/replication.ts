// A primary and its standby in streaming replication: two real servers, made from one data folder.

import { execFile } from 'node:child_process'
import { appendFile, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, inject, onTestFinished } from 'vitest'
import { removeDataDir } from '../../scripts/lib/postgres/data.ts'
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../../scripts/lib/postgres/server.ts'
import { eventually } from './eventually.ts'

/** Never more than a test's own: both servers' superuser. */
const password = 'test-password'

export interface ReplicaPair {
  readonly primary: EmbeddedPostgres
  readonly standby: EmbeddedPostgres
  /** Waits until the standby has replayed all that the primary has written. */
  caughtUp(): Promise<void>
  /** Ends streaming for good: what the primary commits from now on never comes to the standby. */
  disconnect(): Promise<void>
  /** Stops the primary as a crash does, and makes the standby the new one. */
  failOver(): Promise<void>
}

/** A data folder for many pairs, with what `prepare` puts into it; no server runs on it any more. */
export async function preparedData(prepare: (server: EmbeddedPostgres) => Promise<void>): Promise<string> {
  const server = await start(await newFolder())
  try {
    await prepare(server)
  } finally {
    await server.stop('fast')
  }
  return server.dataDir
}

/**
 * Starts both, from copies of a folder that no server runs on; stopped, and their data removed, after the test.
 * `settings` are those of both.
 */
export async function replicaPair(data: string, settings: PostgresOptions['settings'] = {}): Promise<ReplicaPair> {
  const copy = async () => {
    const folder = await newFolder()
    onTestFinished(() => removeDataDir(folder))
    await promisify(execFile)('cp', ['-a', `${data}/.`, folder])
    return folder
  }
  const started = async (folder: string) => {
    const server = await start(folder, settings)
    onTestFinished(() => server.stop('immediate'))
    return server
  }
  const [ours, theirs] = [await copy(), await copy()]
  const primary = await started(ours)
  const upstream = `host=${primary.host} port=${primary.port} user=${primary.user} password=${password} application_name=standby`
  await appendFile(join(theirs, 'postgresql.auto.conf'), `primary_conninfo = '${upstream}'\n`)
  await writeFile(join(theirs, 'standby.signal'), '')
  const standby = await started(theirs)

  const pair: ReplicaPair = {
    primary,
    standby,
    caughtUp: async () => {
      const [row] = await ask<{ lsn: string }>(primary, 'select pg_current_wal_insert_lsn() as lsn')
      await eventually(
        async () => {
          const [there] = await ask(standby, `select pg_last_wal_replay_lsn() >= '${row?.lsn}' as there`)
          expect(there).toEqual({ there: true })
        },
        { timeout: 30_000 },
      )
    },
    disconnect: async () => {
      await ask(standby, `alter system set primary_conninfo = ''`)
      await ask(standby, 'select pg_reload_conf()')
      await eventually(async () => {
        expect(await ask(standby, 'select pid from pg_stat_wal_receiver')).toEqual([])
      })
    },
    failOver: async () => {
      await primary.stop('immediate')
      await ask(standby, 'select pg_promote()')
    },
  }
  await pair.caughtUp()
  return pair
}

function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), `schemagate-test-${process.pid}-`))
}

async function start(dataDir: string, settings: PostgresOptions['settings'] = {}): Promise<EmbeddedPostgres> {
  const quick = { wal_keep_size: '512MB', wal_receiver_status_interval: '1s', wal_retrieve_retry_interval: '100ms' }
  const options = { dataDir, bin: inject('postgres').bin, password, fsync: false }
  return startPostgres({ ...options, settings: { ...quick, ...settings } })
}

/** One query as superuser, over a connection of its own. */
export async function ask<Row extends pg.QueryResultRow>(
  server: { readonly url: string },
  sql: string,
  params?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: server.url, application_name: 'test' })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql, params)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

/** One connection string for the servers, in this order. */
export function urlOf(servers: readonly { readonly url: string }[], attributes?: string): string {
  const urls = servers.map(({ url }) => new URL(url))
  const [{ username, password: secret, pathname }] = urls as [URL]
  const query = attributes === undefined ? '' : `?target_session_attrs=${attributes}`
  return `postgres://${username}:${secret}@${urls.map(({ host }) => host).join(',')}${pathname}${query}`
}
