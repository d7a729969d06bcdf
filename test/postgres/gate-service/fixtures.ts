// The gate's service as a process of its own, and clients that ask it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Manifest } from '../../../gate/protocol/manifest.ts'
import { type RunningCli, start } from '../../helpers/cli.ts'
import { eventually } from '../../helpers/eventually.ts'

export interface GateService {
  readonly url: string
  readonly running: RunningCli
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** The status of `/ready`. */
  ready(headers?: Readonly<Record<string, string>>): Promise<number>
  /** One metric's value, by its name and labels as they are printed. */
  metric(name: string): Promise<number>
}

export interface GateServiceOptions {
  readonly url: string
  readonly manifest: Manifest
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts it on a free port of the loopback interface; stopped after the test. */
export async function gateService({ url, manifest, args = [], env = {} }: GateServiceOptions): Promise<GateService> {
  const file = await manifestFile(manifest)
  const running = start(['gate', '--listen', '127.0.0.1:0', '--manifest', file, ...args], {
    env: { DATABASE_URL: url, LOG_FORMAT: 'json', ...env },
    timeout: 600_000,
  })
  onTestFinished(async () => {
    running.kill('SIGKILL')
    await running.ended.catch(() => {})
  })
  const address = await eventually(() => {
    const line = running.lines.find(({ event }) => event === 'listening')
    expect(line, running.output).toBeDefined()
    return String(line!.url)
  })
  const get = (path: string, headers = {}) => fetch(address + path, { headers })
  return {
    url: address,
    running,
    get,
    ready: async headers => (await get('/ready', headers)).status,
    metric: async name => {
      const text = await (await get('/metrics')).text()
      const line = text.split('\n').find(other => other.startsWith(`${name} `))
      return Number(line?.slice(name.length + 1))
    },
  }
}

/** A manifest as a file, gone after the test. */
export async function manifestFile(manifest: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-gate-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'manifest.json')
  await writeFile(file, typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
  return file
}

/** What Caddy and Traefik send along. */
export const forwarded = { 'x-forwarded-uri': '/orders', 'x-forwarded-method': 'GET' } as const
