// The record of a running embedded stack: what `up` started, for `down` and for a second `up`.

import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shellWord } from '../../migrator/text/shell-word.ts'
import { UsageError } from '../lib/command/options.ts'
import { endProcess, isAlive, markOf, type ProcessMark } from '../lib/process/mark.ts'
import { root } from '../lib/root.ts'
import { whyUnwritable } from '../lib/writable.ts'

/** Where `up` and `down` have a stack without Docker, in the checkout. */
export const defaultState = '.schemagate'

/** In the order in which they are stopped when `up` itself can no longer do that. */
const roles = ['up', 'app', 'migrator', 'postgres'] as const
export type Role = (typeof roles)[number]

export interface Running {
  readonly url: string
  readonly processes: Partial<Record<Role, ProcessMark>>
  /** The owner's connection, for `npx schemagate`; once Postgres answers. */
  readonly owner?: OwnerConnection
}

export type OwnerConnection = Readonly<Record<'PGHOST' | 'PGPORT' | 'PGDATABASE' | 'PGUSER' | 'PGPASSWORD', string>>

const fileOf = (state: string) => join(state, 'running.json')

/** The stack that runs out of the folder `state`, or what a killed one left there; undefined if nothing is alive. */
export async function readRunning(state: string): Promise<Running | undefined> {
  const text = await readFile(fileOf(state), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const running: Running = JSON.parse(text)
    const alive = await Promise.all(Object.values(running.processes).map(isAlive))
    return alive.includes(true) ? running : undefined
  } catch {
    return undefined
  }
}

/** Takes the folder `state` for this process. @throws AlreadyUp if another stack runs out of it. */
export async function claim(state: string, url: string): Promise<RunningRecord> {
  await requireWritable(state)
  for (;;) {
    const running = await readRunning(state)
    if (running?.processes.up && (await isAlive(running.processes.up))) throw new AlreadyUp(running.url, state)
    if (running) await stopRunning(running)
    await rm(fileOf(state), { force: true })
    const record = new RunningRecord(state, url)
    if (await record.create()) return record
  }
}

/** @throws UsageError where this user may not write into the folder. */
export async function requireWritable(state: string): Promise<void> {
  const why = await whyUnwritable(state)
  if (why !== undefined)
    throw new UsageError(`${state} cannot be written (${why}). Name a folder that can, with --state.`)
}

/** Stops what is recorded, each process only if it is still the one that was started. Returns whether any was there. */
export async function stopRunning(running: Running): Promise<boolean> {
  let any = false
  for (const role of roles) {
    const mark = running.processes[role]
    if (!mark) continue
    const [signal, insist] = role === 'postgres' ? (['SIGINT', 'SIGQUIT'] as const) : (['SIGTERM', 'SIGKILL'] as const)
    any = (await endProcess(mark, signal, insist, 20_000)) || any
  }
  return any
}

/** Removes the record once nothing of it is alive. */
export async function forget(state: string): Promise<void> {
  await rm(fileOf(state), { force: true })
}

/** Whether it is the folder in which `npx schemagate` and `npm run down` look, given nothing else. */
export function isDefaultState(state: string): boolean {
  return state === join(root, defaultState)
}

/** What stops the stack that runs out of this folder. */
export function downCommand(state: string): string {
  return isDefaultState(state) ? 'npm run down' : `npm run down -- --state ${shellWord(state)}`
}

/** Another stack is up out of the same folder. */
export class AlreadyUp extends Error {
  constructor(url: string, state: string) {
    super(`A stack is up already: ${url}. Stop it with \`${downCommand(state)}\`, or with Ctrl-C where it runs.`)
  }
}

/** This process' own record. */
export class RunningRecord {
  readonly #state: string
  #running: Running

  constructor(state: string, url: string) {
    this.#state = state
    this.#running = { url, processes: {} }
  }

  /** False if another process was quicker. */
  async create(): Promise<boolean> {
    const up = await markOf(process.pid)
    if (up) this.#running = { ...this.#running, processes: { up } }
    try {
      await writeFile(fileOf(this.#state), JSON.stringify(this.#running), { mode: 0o600, flag: 'wx' })
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw error
    }
  }

  async add(role: Role, pid: number | undefined): Promise<void> {
    const mark = pid === undefined ? undefined : await markOf(pid)
    if (!mark) return
    await this.#write({ processes: { ...this.#running.processes, [role]: mark } })
  }

  /** Records how the owner connects; the file is the user's alone, as that of the secrets. */
  async connection(owner: OwnerConnection): Promise<void> {
    await this.#write({ owner })
  }

  async #write(change: Partial<Running>): Promise<void> {
    this.#running = { ...this.#running, ...change }
    await writeFile(fileOf(this.#state), JSON.stringify(this.#running), { mode: 0o600 })
  }

  remove(): Promise<void> {
    return forget(this.#state)
  }
}
