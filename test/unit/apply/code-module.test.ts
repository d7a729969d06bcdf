// Code migrations as modules.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadModule } from '../../../migrator/apply/code-module.ts'
import type { Migration } from '../../../migrator/files/migration.ts'
import { silent } from '../../../migrator/log.ts'

test('a module whose top level awaits for long is told of, and loaded when that ends', async () => {
  vi.useFakeTimers()
  const dir = mkdtempSync(join(tmpdir(), 'schemagate-unit-'))
  const opened = Promise.withResolvers<void>()
  vi.stubGlobal('opened', opened.promise)
  onTestFinished(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    rmSync(dir, { recursive: true })
  })
  const file = join(dir, '1_a.mjs')
  writeFileSync(file, 'await globalThis.opened\nexport const up = () => {}\n')
  const warn = vi.fn()
  const engine = { signal: new AbortController().signal, log: { ...silent, warn } }
  const loading = loadModule({ name: '1_a', file } as Migration, engine)
  vi.advanceTimersByTime(9_000)
  expect(warn).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2_000)
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    { event: 'loading', migration: '1_a' },
    expect.stringContaining(`${file} is still being loaded: something is awaited at its top level`),
  )
  opened.resolve()
  expect((await loading).up).toBeTypeOf('function')
  expect(vi.getTimerCount()).toBe(0)
})
