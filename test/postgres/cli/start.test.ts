// What a run with nothing to do loads: no more than it uses, since that is most of what it costs.

import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { files } from './fixtures.ts'

test('a run with nothing to do loads one file beside that of the bundler, and no module of Node that it does not use', async ({
  database,
}) => {
  const dir = await folder(files)
  const up = (env = {}) => schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url, ...env } })
  expect((await up()).code).toBe(0)
  const hook = await folder({
    'loaded.cjs': `
      const fs = require('node:fs')
      const read = fs.readFileSync
      const files = []
      const note = path => typeof path === 'string' && path.includes('/dist/cli/') && files.push(path.split('/').pop())
      fs.readFileSync = (path, ...rest) => (note(path), read(path, ...rest))
      process.on('exit', () => fs.writeFileSync(__dirname + '/loaded.json', JSON.stringify({ files, modules: process.moduleLoadList })))`,
  })
  expect(await up({ NODE_OPTIONS: `--require ${join(hook, 'loaded.cjs')}` })).toMatchObject({ code: 0 })
  const { files: read, modules } = JSON.parse(await readFile(join(hook, 'loaded.json'), 'utf8'))
  expect([...new Set<string>(read)].map(withoutBuild)).toEqual(['cli.cjs', 'rolldown-runtime.cjs'])
  const names = ['child_process', 'worker_threads', 'dns/promises', 'tls', 'readline', 'inspector', 'http', 'zlib']
  expect(modules).toContain('NativeModule net')
  expect(modules).not.toEqual(expect.arrayContaining([expect.stringMatching(`^NativeModule (${names.join('|')})$`)]))
})

/** A chunk's name without what tells builds apart. */
function withoutBuild(name: string): string {
  return name.replace(/^[0-9a-f]{16}-/, '')
}

/** A sentence or name of each part that stands nowhere else. */
const parts = {
  doctor: 'app-healthcheck-without-schema',
  trial: 'broken on purpose by schemagate doctor --try',
  init: 'Written. To undo it, delete',
  yaml: 'Tabs are not allowed as indentation',
  clack: 'clack',
  adopt: 'there is nothing to adopt',
}

test.for(Object.entries(parts))('what every run loads has nothing of %s', async ([, words]) => {
  const holders: string[] = []
  for await (const path of glob('migrator/dist/cli/*.cjs', { cwd: root }))
    if ((await readFile(join(root, path), 'utf8')).includes(words)) holders.push(withoutBuild(path.split('/').pop()!))
  expect(holders).not.toEqual([])
  expect(holders).not.toContain('cli.cjs')
})
