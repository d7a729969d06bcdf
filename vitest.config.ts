// Four kinds of tests: unit (no server), postgres (a real server, real processes), compose (the real compose files), load
// (those of them that count requests).

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The packages by their names, from their sources: one copy of each class, and no build before the unit tests. */
const source = (path: string) => join(import.meta.dirname, path)
const resolve = {
  alias: [
    { find: 'schemagate-gate/fastify', replacement: source('gate/adapters/fastify.ts') },
    { find: 'schemagate-gate', replacement: source('gate/index.ts') },
  ],
}

/** As long as `eventually` waits: a second, vitest's own, is not enough for a process to start on a busy machine. */
const waiting = { poll: { timeout: 10_000 } }

/** Scenarios under load. */
const load = 'test/compose/**/*.load.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          name: 'postgres',
          include: ['test/postgres/**/*.test.ts'],
          globalSetup: ['test/helpers/build.ts', 'test/helpers/postgres-server.ts'],
          expect: waiting,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Even two cores are not busy with fewer: a test often waits.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        test: {
          name: 'compose',
          include: ['test/compose/**/*.test.ts'],
          exclude: [load],
          globalSetup: ['test/compose/scenario/setup.ts'],
          expect: waiting,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each scenario has containers, a project and a port of its own: they mostly wait, but two keep two cores busy.
          maxWorkers: Math.max(1, availableParallelism() - 1),
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve,
        test: {
          name: 'load',
          include: [load],
          globalSetup: ['test/compose/scenario/setup.ts'],
          expect: waiting,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Not one request may fail: where the processor is short, one would for want of it.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
