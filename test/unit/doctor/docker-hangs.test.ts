// A docker client that does not end: doctor reads the YAML alone, and ends when it is told to.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadCompose } from '../../../migrator/doctor/compose/load.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doctor-hangs-'))
afterAll(() => rmSync(cwd, { recursive: true }))
writeFileSync(join(cwd, 'compose.yml'), 'services: { db: { image: "postgres:${TAG}" } }')
writeFileSync(join(cwd, 'docker'), "#!/bin/sh\ntrap '' TERM INT\nsleep 30 &\nwhile :; do wait; done\n")
chmodSync(join(cwd, 'docker'), 0o755)
const env = { PATH: `${cwd}:${process.env.PATH}` }

test('docker that does not end is not waited for', async () => {
  const { readBy, notes } = await loadCompose([], { cwd, env, docker: true, dockerTimeout: 200 })
  expect(readBy).toBe('the YAML alone')
  expect(notes[0]).toBe('docker compose config cannot read this (it does not end), so the YAML alone is read.')
})

test('an interruption ends docker, and the reading', async () => {
  const reason = new Error('interrupted')
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 200)
  await expect(loadCompose([], { cwd, env, docker: true, signal: controller.signal })).rejects.toBe(reason)
})
