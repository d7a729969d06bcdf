// The steps of which scenarios are made: bring up, deploy, migrate, and the moments at which things became so.

import { expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import type { Stack } from './stack.ts'

/** `docker compose ARGS`, which must end well. */
export async function succeeds(stack: Stack, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await stack.compose(...args)
  expect(exitCode, `docker compose ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
}

/** Runs the migrator of the moment, as an operator does, beside whatever is up; the exit code it must have is given. */
export async function migrator(stack: Stack, exitCode: number, ...args: string[]): Promise<Record<string, unknown>[]> {
  const run = await stack.compose('run', '--rm', '-T', 'migrator', ...args)
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(exitCode)
  return run.stdout.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

/** Applies what is pending, and gives the moment from which the database has all of it. */
export async function migrate(stack: Stack, ...args: string[]): Promise<number> {
  await migrator(stack, 0, 'up', ...args)
  return newest(stack)
}

/** Waits until a one-shot that somebody else has started is over. */
export async function ended(stack: Stack, service: string): Promise<void> {
  await eventually(
    async () => {
      const { stdout, stderr } = await stack.compose('logs', '--no-color', '--timestamps', '--tail', '40')
      expect(await stack.container(service), stdout + stderr).toMatchObject({ status: 'exited', exitCode: 0 })
    },
    { timeout: 120_000, interval: 250 },
  )
}

/** When the newest migration that the ledger has was applied: no earlier can the database have matched. */
export async function newest(stack: Stack): Promise<number> {
  return Number(await stack.sql('select extract(epoch from max(applied_at)) * 1000 from schemagate.ledger'))
}

/** When what `up` brought up came to match: the database was migrated, and the app began to answer. */
export async function matched(stack: Stack): Promise<number> {
  return Math.max(await newest(stack), await listening(stack))
}

/** When the app that runs now began to answer. */
export async function listening(stack: Stack): Promise<number> {
  const line = await eventually(
    async () => {
      const found = (await stack.logs('app')).findLast(({ event }) => event === 'listening')
      expect(found, 'the app does not listen').toBeDefined()
      return found
    },
    { timeout: 30_000, interval: 100 },
  )
  return Date.parse(String(line?.time))
}
