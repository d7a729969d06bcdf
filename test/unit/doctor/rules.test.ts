// Each rule's own examples: one breaks it, one nearly does.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { rules } from '../../../migrator/doctor/rules/index.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doctor-rules-'))
afterAll(() => rmSync(cwd, { recursive: true }))

async function idsIn(stdin: string): Promise<string[]> {
  const { findings } = await diagnose(['-'], { cwd, env: {}, docker: false, stdin })
  return findings.map(({ rule }) => rule.id)
}

test('every rule has a name of its own', () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
})

describe.for(rules.map(rule => ({ id: rule.id, rule })))('$id', ({ id, rule }) => {
  test('is found in the example that breaks it', async () => {
    expect(await idsIn(rule.examples.violates)).toContain(id)
  })

  test('is not found in the example that nearly does', async () => {
    expect(await idsIn(rule.examples.passes)).not.toContain(id)
  })
})
