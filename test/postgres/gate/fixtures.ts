// What the gate's tests share: manifests, a ledger written by hand as the migrator writes it, and gates that are ended.

import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { createGate, type Gate } from '../../../gate/gate.ts'
import type { GateOptions } from '../../../gate/options.ts'
import { migratorName } from '../../../gate/protocol/announcement.ts'
import type { Manifest, ManifestEntry } from '../../../gate/protocol/manifest.ts'
import type { GateStatus } from '../../../gate/status.ts'
import { ledgerDdl } from '../../../migrator/ledger/versions.ts'

export type Change = Partial<ManifestEntry> & { readonly name: string }

/** An entry whose content is its name, unless the change says otherwise. */
function entry(change: string | Change): ManifestEntry {
  const given = typeof change === 'string' ? { name: change } : change
  return { checksum: sha256(given.name), kind: 'sql', breaking: false, ...given }
}

export function manifest(...changes: (string | Change)[]): Manifest {
  const migrations = changes.map(entry)
  return { version: 1, head: migrations.at(-1)?.name ?? null, migrations }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export interface LedgerByHand {
  /** Makes the ledger's tables. */
  create(): Promise<void>
  /** Records migrations as applied, oldest first, in one transaction, and tells as a run does. */
  apply(...changes: (string | Change)[]): Promise<void>
  /** The same without telling. */
  applyQuietly(...changes: (string | Change)[]): Promise<void>
  /** Records one as under way. */
  begin(change: string | Change): Promise<void>
  notify(payload: object): Promise<void>
  drop(): Promise<void>
}

export function ledgerOf(
  database: { query(sql: string, params?: unknown[]): Promise<unknown> },
  schema = 'schemagate',
): LedgerByHand {
  const insert = async (change: string | Change, state: 'applied' | 'running') => {
    const { name, checksum, kind, breaking } = entry(change)
    // under a migrator's name, whose rows tell the gates nothing by themselves
    await database.query(
      `insert into "${schema}".ledger (name, checksum, position, kind, breaking, state, run_id, tool_version)
       select case when set_config('application_name', '${migratorName} by hand', true) is not null then $1 end, $2, coalesce(max(position), 0) + 1, $3, $4, $5, gen_random_uuid(), 'test' from "${schema}".ledger`,
      [name, checksum, kind, breaking, state],
    )
  }
  const ledger: LedgerByHand = {
    create: async () => {
      await database.query(ledgerDdl(schema))
    },
    apply: async (...changes) => {
      await ledger.applyQuietly(...changes)
      await ledger.notify({ event: 'published', head: entry(changes.at(-1)!).name })
    },
    applyQuietly: async (...changes) => {
      for (const change of changes) await insert(change, 'applied')
    },
    begin: change => insert(change, 'running'),
    notify: async payload => {
      await database.query('select pg_notify($1, $2)', [schema, JSON.stringify(payload)])
    },
    drop: async () => {
      await database.query(`drop schema "${schema}" cascade`)
    },
  }
  return ledger
}

export interface WatchedGate extends Gate {
  /** Every status that the gate has announced. */
  readonly history: GateStatus[]
}

/** A gate that is closed after the test. */
export function gateOf(options: GateOptions): WatchedGate {
  const history: GateStatus[] = []
  const gate = Object.assign(createGate(options), { history })
  gate.on('change', status => history.push(status))
  onTestFinished(() => gate.close())
  return gate
}

/** An app's pool that outlives its connections, ended after the test. */
export function poolOf(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  onTestFinished(async () => {
    if (!pool.ended) await pool.end()
  })
  return pool
}

/** How long `until` took to come true, in milliseconds, looked at every millisecond or so. */
export async function timeUntil(until: () => boolean, limit = 10_000): Promise<number> {
  const started = performance.now()
  while (!until()) {
    if (performance.now() - started > limit) throw new Error(`still not so after ${limit} ms`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  return performance.now() - started
}

/** The URL of a server that listens on a port of this machine. */
export function urlOf(server: Server): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}
