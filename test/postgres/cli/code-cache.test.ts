// V8's code cache: made by a run that ended well, used by the next, and never taken from where another user could have put it.

import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test as base } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

const dist = join(root, 'migrator/dist')
const execute = promisify(execFile)

/** The command line as a package or an image has it, without a cache. */
const test = base.extend('installed', async () => {
  const path = await folder({})
  for (const name of ['cli', 'schemagate.cjs', 'warm-up.cjs'])
    await cp(join(dist, name), join(path, name), { recursive: true })
  return path
})

/** Runs of `up`, one with nothing to do and two that apply; returns the first one's id. */
async function up(installed: string): Promise<string> {
  const { stdout } = await execute(process.execPath, [join(installed, 'warm-up.cjs')])
  const runs = stdout.split('\n').flatMap(line => (line.includes('"event":"run"') ? [JSON.parse(line)] : []))
  expect(runs.map(({ outcome }) => outcome)).toEqual(['nothing-to-do', 'applied', 'applied'])
  return runs[0].runId
}

async function cacheOf(installed: string): Promise<string> {
  const [name, ...more] = await readdir(join(installed, 'cache'))
  expect(more).toEqual([])
  return join(installed, 'cache', name!)
}

/** Each file's time and number, which are others once it was written again. */
async function filesOf(cache: string): Promise<Record<string, string>> {
  const names = await readdir(cache)
  const stats = await Promise.all(names.map(name => stat(join(cache, name))))
  return Object.fromEntries(names.map((name, i) => [name, `${stats[i]!.ino} ${stats[i]!.mtimeMs}`]))
}

test('the first run makes it, for the user alone to write, and the next one takes it as it is', async ({
  installed,
}) => {
  const ids = [await up(installed)]
  const cache = await cacheOf(installed)
  const made = await filesOf(cache)
  expect(Object.keys(made)).toContain('cli.cjs')
  for (const path of [cache, join(cache, 'cli.cjs')]) expect((await stat(path)).mode & 0o022).toBe(0)
  for (let i = 0; i < 3; i++) ids.push(await up(installed))
  expect(await filesOf(cache)).toEqual(made)
  expect(new Set(ids).size).toBe(4)
})

test('it holds all that runs load which apply migrations, and give an app its role', async ({
  installed,
  database,
}) => {
  await up(installed)
  const cache = await cacheOf(installed)
  const made = await filesOf(cache)
  const dir = await folder({ '1_a.sql': 'create table a (id int);' })
  const apply = async () => {
    const { stdout } = await execute(
      process.execPath,
      [join(installed, 'schemagate.cjs'), 'up', '--dir', dir, '--app-role', database.role('app')],
      { env: { DATABASE_URL: database.url, SCHEMAGATE_APP_PASSWORD: 'secret' } },
    )
    expect(stdout).toContain('"outcome":"applied"')
  }
  await apply()
  await writeFile(join(dir, '2_b.sql'), 'create index concurrently a_id on a (id);')
  await apply()
  // a run adds what it had to compile, and replaces what V8 refused
  expect(await filesOf(cache)).toEqual(made)
})

test('a part of the package that is gone when it is needed is told as that, and not as a fault of the file', async ({
  installed,
  database,
}) => {
  const parts = await readdir(join(installed, 'cli'))
  for (const part of parts.filter(name => /-(?:copy|check)\.cjs$/.test(name))) await rm(join(installed, 'cli', part))
  const dir = await folder({
    '1_a.sql': 'create table a (id int);',
    '2_b.sql': 'copy a from stdin;\n1\n\\.\n',
    '3_c.sql': 'select 1;',
  })
  const bundle = join(installed, 'schemagate.cjs')
  const run = (command: string) => schemagate([command, '--dir', dir], { bundle, env: { DATABASE_URL: database.url } })
  const up = await run('up')
  const told = /A part of schemagate itself is gone: .*-(copy|check)\.cjs.*Install it again/
  expect(up.code, up.stdout).toBe(2)
  expect(up.lines.find(({ level }) => level === 'error')?.msg).toMatch(told)
  expect(up.lines.at(-1)).toMatchObject({ outcome: 'failed', applied: 1, exitCode: 2 })
  expect(await run('check')).toMatchObject({ code: 2, stderr: expect.stringMatching(told) })
  expect((await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })).code).toBe(0)
})

test('what it cannot even start without is told as well, with exit code 2', async ({ installed }) => {
  await cp(join(root, 'migrator/bin'), join(installed, 'bin'), { recursive: true })
  const started = async (bundle: string) => schemagate(['--version'], { bundle: join(installed, bundle) })
  const gone = (path: string) => ({
    code: 2,
    stderr: expect.stringMatching(`^A part of schemagate itself is gone: .*${path}\\. Install it again\\.\n$`),
  })
  const parts = await readdir(join(installed, 'cli'))
  for (const part of ['rolldown-runtime', 'cli']) {
    await rm(join(installed, 'cli', parts.find(name => name.endsWith(`-${part}.cjs`))!))
    expect(await started('schemagate.cjs')).toMatchObject(gone(part === 'cli' ? 'cli' : `${part}.cjs`))
  }
  await rm(join(installed, 'cli'), { recursive: true })
  expect(await started('schemagate.cjs')).toMatchObject(gone('cli'))
  expect(await started('bin/schemagate.cjs')).toMatchObject(gone('dist'))
})

test('a cache that V8 refuses is made again', async ({ installed }) => {
  await up(installed)
  const file = join(await cacheOf(installed), 'cli.cjs')
  await writeFile(file, 'no code')
  await up(installed)
  expect((await readFile(file)).length).toBeGreaterThan(100_000)
})

test('other code than the one that it was made of has other names, and a cache of its own', async ({ installed }) => {
  const chunks = (await readdir(join(installed, 'cli'))).filter(name => name.endsWith('.cjs'))
  const builds = new Set(chunks.map(name => /^([0-9a-f]{16})-/.exec(name)?.[1]))
  expect(builds.size).toBe(1)
  await up(installed)
  expect(await cacheOf(installed)).toContain([...builds][0])
  // as npm gives them: BuildKit takes a file for one that it has if name, size and time are the same
  for (const name of chunks)
    await rename(join(installed, 'cli', name), join(installed, 'cli', `fedcba9876543210${name.slice(16)}`))
  await up(installed)
  expect(await readdir(join(installed, 'cache'))).toHaveLength(2)
})

for (const [what, open] of [
  ['folder', async (cache: string) => chmod(cache, 0o777)],
  ['folder of all caches', async (cache: string) => chmod(join(cache, '..'), 0o777)],
  [
    'link in place of the folder',
    async (cache: string) => {
      await rename(cache, `${cache}-elsewhere`)
      await symlink(`${cache}-elsewhere`, cache)
    },
  ],
] as const)
  test(`a ${what} that others can write is neither read nor written`, async ({ installed }) => {
    await up(installed)
    const cache = await cacheOf(installed)
    await writeFile(join(cache, 'cli.cjs'), 'put there')
    await open(cache)
    await up(installed)
    expect(await readFile(join(cache, 'cli.cjs'), 'utf8')).toBe('put there')
  })

test('a file that others can write is replaced', async ({ installed }) => {
  await up(installed)
  const file = join(await cacheOf(installed), 'cli.cjs')
  await chmod(file, 0o666)
  await up(installed)
  expect((await stat(file)).mode & 0o022).toBe(0)
})

test('without a place for it a run works as well', async ({ installed }) => {
  await writeFile(join(installed, 'cache'), '')
  await up(installed)
})

test('a command that is not `up` leaves none', async ({ installed }) => {
  await mkdir(join(installed, 'cache'))
  await execute(process.execPath, [join(installed, 'schemagate.cjs'), '--version'])
  expect(await readdir(join(installed, 'cache'))).toEqual([])
})
