// The lock of deploys, restores and builds: of many that find what a killed one left, one takes it over.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

/** Tries to take the lock at a moment, and holds it to its end: prints whether it has it. */
const contender = `
import { takeLock } from ${JSON.stringify(join(root, 'scripts/lib/process/lock.ts'))}
const [file, at] = process.argv.slice(1)
while (Date.now() < Number(at)) await new Promise(resolve => setImmediate(resolve))
const lock = await takeLock(file)
console.log('release' in lock)
setTimeout(() => {}, 1_000)
`

test('one of many takes over what a killed one left', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lock-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'lock.json')
  for (let round = 0; round < 3; round++) {
    await writeFile(file, JSON.stringify({ pid: 2 ** 22, startedAt: 'long ago' }))
    const at = `${Date.now() + 1_500}`
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        promisify(execFile)(process.execPath, ['--input-type=module', '--eval', contender, file, at]),
      ),
    )
    expect(answers.map(({ stdout }) => stdout.trim()).filter(answer => answer === 'true')).toHaveLength(1)
  }
})
