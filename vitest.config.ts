// Three kinds of tests: unit (no server), postgres (a real server, real processes), compose (the real compose file).

import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** The docker helper's own preparation, where there is one. */
const composeSetup = 'test/compose/setup.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['test/postgres/**/*.test.ts'],
          globalSetup: ['test/helpers/build.ts', 'test/helpers/postgres-server.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // They wait more than they compute, even where two cores are all there is.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'compose',
          include: ['test/compose/**/*.test.ts'],
          globalSetup: existsSync(composeSetup) ? [composeSetup] : [],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each scenario starts containers of its own: one after the other, and last.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
