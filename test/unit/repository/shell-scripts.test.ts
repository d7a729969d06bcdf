// shellcheck on everything that a shell runs: the repository's scripts, and the scripts in workflows and actions.

import { glob, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { $ } from 'zx'
import { root } from '../../../scripts/lib/root.ts'
import { type Action, readActions, readWorkflows, stepsOf } from '../../helpers/workflows.ts'

const quietly = $({ cwd: root, quiet: true, nothrow: true })
const isHere = (await quietly`shellcheck --version`).exitCode === 0
if (!isHere && process.env.TEST_SHELLCHECK === 'required')
  throw new Error('The tests of the shell scripts are required, but shellcheck is not installed.')

/** What shellcheck has to say of a script that begins with a `#!` line. */
async function shellcheck(script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await $({ quiet: true, nothrow: true, input: script })`shellcheck --format gcc -`
  return exitCode === 0 ? '' : `${stdout}${stderr}`
}

/** A plain ** passes over hidden folders. */
const places = ['**/*', '.ci/**/*', '.github/**/*']
const others = ['node_modules', 'dist']

/** Every file of the repository that says it is for a shell. */
async function scripts(): Promise<string[]> {
  const found: string[] = []
  for await (const entry of glob(places, {
    cwd: root,
    withFileTypes: true,
    exclude: ({ name }) => others.includes(name),
  })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (/^#!.*\b(ba|da)?sh\b/.test(await firstBytes(path))) found.push(path.slice(root.length + 1))
  }
  return found.toSorted()
}

async function firstBytes(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
  return buffer.toString('latin1', 0, bytesRead).split('\n')[0] ?? ''
}

/** Each `run` of a file, as GitHub would hand it to bash: with text in place of the expressions. */
function runs(steps: ReturnType<typeof stepsOf>): string[] {
  return steps.flatMap(({ run, with: given }) =>
    [run, given?.requests]
      .filter(script => script !== undefined)
      .map(
        script => `#!/bin/bash\n: "\${URL:?}" "\${BODY:?}"\n${String(script).replace(/\$\{\{.*?\}\}/g, 'expression')}`,
      ),
  )
}

describe.skipIf(!isHere)(`shellcheck${isHere ? '' : ' (skipped: it is not installed)'}`, async () => {
  const found = await scripts()

  test('is asked about scripts in every place that has some', () => {
    expect(found).toEqual(
      expect.arrayContaining([
        '.ci/run',
        '.github/actions/smoke/smoke.sh',
        'docker/backup.sh',
        'scripts/machine/base-images/node-entrypoint.sh',
        'scripts/machine/docker-engine.sh',
      ]),
    )
  })

  test.for(found)('has nothing to say of %s', async path => {
    expect(await shellcheck(await readFile(join(root, path), 'utf8'))).toBe('')
  })

  const inFiles = {
    ...Object.fromEntries(Object.entries(await readWorkflows()).map(([path, text]) => [path, stepsOf(text)])),
    ...Object.fromEntries(
      Object.entries(await readActions()).map(([path, text]) => [path, (parse(text) as Action).runs.steps]),
    ),
  }
  test.for(Object.entries(inFiles))('has nothing to say of what %s runs', async ([, steps]) => {
    for (const script of runs([...steps])) expect(await shellcheck(script), script).toBe('')
  })

  test('refuses a script that is wrong', async () => {
    expect(await shellcheck('#!/bin/bash\nrm -rf $1/*\n')).toContain('SC2086')
  })
})
