// The packages in an empty project, as a stranger installs them, on the oldest Node and pg that each declares and newer Nodes.

import { readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { test } from '../../helpers/database.ts'
import { emptyProject, execute, installed, nodeOf, pack, root } from '../../helpers/packages.ts'
import { cleanEnvironment } from '../../helpers/process.ts'

const downloads = 300_000
/** All other tests have the newest. */
const oldestPg = readJson('gate/package.json').peerDependencies.pg.replace('^', '')
let tarballs: string
let gateProject: string
let migratorProject: string
let node24: string

beforeAll(async () => {
  tarballs = await mkdtemp(join(tmpdir(), 'schemagate-tarballs-'))
  node24 = await nodeOf(24)
  gateProject = await emptyProject(await nodeOf(20), await pack('gate', tarballs), `pg@${oldestPg}`)
  await copyFile(join(import.meta.dirname, 'gate.node.mjs'), join(gateProject, 'gate.test.mjs'))
  migratorProject = await emptyProject(node24, await pack('migrator', tarballs))
  await mkdir(join(migratorProject, 'migrations'))
  await writeFile(
    join(migratorProject, 'migrations/0001_tickets.sql'),
    'create table tickets (id int primary key, title text not null);\n',
  )
}, downloads)
afterAll(() =>
  Promise.all([tarballs, gateProject, migratorProject].map(folder => rm(folder, { recursive: true, force: true }))),
)

const schemagate = (args: readonly string[], url: string) =>
  execute('npx', ['--no-install', 'schemagate', ...args], {
    cwd: migratorProject,
    env: { DATABASE_URL: url },
    node: node24,
  })

describe('the gate', () => {
  test('is small: with pg fewer than 20 packages and less than 2 MB', async () => {
    const { packages, bytes } = await installed(gateProject)
    expect(packages).toBeGreaterThan(1)
    expect(packages).toBeLessThan(20)
    expect(bytes).toBeLessThan(2_000_000)
  })

  test.for([20, 22, 24, 26])('works on Node %i', { timeout: downloads }, async (major, { database }) => {
    await schemagate(['up', '--dir', 'migrations'], database.url)
    await writeFile(join(gateProject, 'manifest.json'), await schemagate(['manifest', '--dir', 'migrations'], ''))
    const node = await nodeOf(major)
    const env = { DATABASE_URL: database.url, FASTIFY_FROM: join(root, 'app/package.json') }
    const printed = await execute(node, ['--test', '--test-reporter=tap', 'gate.test.mjs'], { cwd: gateProject, env })
    expect(await execute(node, ['--version'], { cwd: gateProject })).toMatch(new RegExp(`^v${major}\\.`))
    expect(printed).toContain('# pass 3')
    expect(printed).toContain('# fail 0')
  })
})

describe('schemagate', () => {
  test('takes less than 25 MB', async () => {
    const { bytes } = await installed(migratorProject)
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(bytes).toBeLessThan(25_000_000)
  })

  test('says its version, and does what its README shows', async ({ database }) => {
    const { version } = readJson('migrator/package.json')
    expect((await schemagate(['--version'], '')).trim()).toContain(version)

    const readme = readFileSync(join(migratorProject, 'node_modules/schemagate/README.md'), 'utf8')
    const [commands = ''] = code(readme, 'sh')
    const script = commands.replace(/^(?:npm install|export DATABASE_URL).*$/gm, '')
    expect(script).toContain('npx schemagate up')
    await execute('sh', ['-ec', script], { cwd: migratorProject, env: { DATABASE_URL: database.url }, node: node24 })
    const { rows } = await database.query('select name from schemagate.ledger')
    expect(rows).toEqual([{ name: '0001_tickets' }])
    expect(await readdir(migratorProject)).toContain('manifest.json')

    await writeFile(join(migratorProject, 'migrations/0002_more.sql'), 'alter table tickets add body text;\n')
    const [library = ''] = code(readme, 'ts')
    await writeFile(join(migratorProject, 'library.ts'), `${library}\nconsole.log(outcome, migrations.length, error)\n`)
    const printed = await execute(node24, ['library.ts'], {
      cwd: migratorProject,
      env: cleanEnvironment({ DATABASE_URL: database.url }),
    })
    expect(printed).toMatch(/^applied 1 undefined/)
  })
})

function readJson(path: string) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

/** The fenced blocks of a language in a Markdown text. */
function code(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}
