// Fifos and devices in a migrations folder: to open one may wait for ever, so they are refused before that.

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { folder } from '../../helpers/migrations.ts'

const fifo = (path: string) => execFileSync('mkfifo', [path])
const linkToFifo = (path: string) => {
  fifo(`${path}.pipe`)
  symlinkSync(`${path}.pipe`, path)
}
const linkToDevice = (path: string) => symlinkSync('/dev/zero', path)

test.for([
  ['a fifo', '2_b.sql', fifo],
  ['a link to a fifo', '2_b.sql', linkToFifo],
  ['a link to a device', '2_b.sql', linkToDevice],
  ['a fifo for code', '2_b.mjs', fifo],
  ['a fifo in a folder', '20240101000000_b/migration.sql', fifo],
  ['a link to a device in a folder', '2024-01-01-000000_b/up.sql', linkToDevice],
  ['a fifo for a way back', '1_a.down.sql', fifo],
  ['a link to a fifo for a way back', '1_a.down.sql', linkToFifo],
] as const)('%s is refused, and nothing waits for it: %s', async ([, name, make]) => {
  const dir = await folder({ '1_a.up.sql': 'select 1;' })
  mkdirSync(dirname(join(dir, name)), { recursive: true })
  make(join(dir, name))
  const run = await schemagate(['manifest', '--dir', dir], { timeout: 30_000 })
  expect(run.code).toBe(2)
  expect(run.stderr).toContain(join(dir, name))
  expect(run.stderr).toContain('is not a regular file')
})
