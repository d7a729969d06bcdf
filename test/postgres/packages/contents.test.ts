// What the packages publish: only what their users need, and types that hold wherever they are used.

import { readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execute, filesIn, pack, root, unpack } from '../../helpers/packages.ts'

const names = { gate: 'schemagate-gate', migrator: 'schemagate' } as const
const folders = ['gate', 'migrator'] as const

// In the checkout, where the packages' own dependencies are found.
let consumer: string
const tarballs: Record<string, string> = {}

beforeAll(async () => {
  consumer = await mkdtemp(join(root, 'node_modules/.consumer-'))
  for (const folder of folders) {
    tarballs[folder] = await pack(folder, consumer)
    await unpack(tarballs[folder], join(consumer, 'node_modules', names[folder]))
  }
})
afterAll(() => rm(consumer, { recursive: true, force: true }))

const packageOf = (folder: 'gate' | 'migrator') => join(consumer, 'node_modules', names[folder])

test('a page that a text names is in the package, and is named by its path there', async () => {
  const help = await execute(process.execPath, ['node_modules/schemagate/dist/schemagate.cjs', 'doctor', '--help'], {
    cwd: consumer,
  })
  const [, page = ''] = /All rules: (\S+)/.exec(help) ?? []
  expect(page).toBe('node_modules/schemagate/dist/docs/doctor.md')
  expect(await readFile(join(consumer, page), 'utf8')).toContain('### ungated-client')
})

test('the files that its pages tell to copy are in the package, at the paths that the pages name', async () => {
  const files = await filesIn(packageOf('migrator'))
  const page = (name: string) => readFile(join(packageOf('migrator'), 'dist/docs', name), 'utf8')
  const [gate, service] = [await page('gate.md'), await page('gate-service.md')]
  const linked = [...gate.matchAll(/\]\(\.\.\/(examples\/[^)]+)\)/g)].map(([, path]) => path)
  const named = [...service.matchAll(/`(docker\/(?:proxies\/[\w.-]+|wait-for-gate))`/g)].map(([, path]) => path)
  expect(linked.length).toBeGreaterThan(0)
  expect(named.length).toBeGreaterThan(8)
  for (const path of [...linked, ...named, 'examples/python-gate/schemagate_gate.py'])
    expect(files).toContain(`dist/${path}`)
})

describe.each(folders)('the package in %s', folder => {
  test('has its bundle, its types, a README and the license, and nothing of the machine that built it', async () => {
    const files = await filesIn(packageOf(folder))
    for (const file of ['README.md', 'LICENSE', 'package.json', 'dist/index.mjs']) expect(files).toContain(file)
    const others = files.filter(
      file =>
        !/^(?:bin|dist)\/.*\.(?:mjs|cjs|wasm|d\.ts)$|^dist\/cli\/licenses\.txt$|^dist\/docs\/.*\.(?:md|svg)$|^dist\/docker\/(?:proxies\/|wait-for-gate$)|^dist\/examples\/python-gate\/[^/]*\.(?:md|py)$|^(?:README\.md|LICENSE|package\.json|Dockerfile)$/.test(
          file,
        ),
    )
    expect(others).toEqual([])
    const manifest = JSON.parse(await readFile(join(packageOf(folder), 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({ license: 'MIT', keywords: expect.arrayContaining(['postgres', 'migrations']) })
  })

  test('depends on nothing but what its library imports: the command line is whole in itself', async () => {
    const modules = (await filesIn(packageOf(folder))).filter(file => file.endsWith('.mjs'))
    const code = (await Promise.all(modules.map(file => readFile(join(packageOf(folder), file), 'utf8')))).join()
    const { dependencies = {} } = JSON.parse(await readFile(join(packageOf(folder), 'package.json'), 'utf8'))
    const isImported = (name: string) => new RegExp(`\\b(from|import\\()\\s*["'\`]${name}["'\`]`).test(code)
    expect(Object.keys(dependencies).filter(name => !isImported(name))).toEqual([])
  })

  test('has nothing that publint warns of', async () => {
    const { messages, pkg } = await publint({ pkgDir: packageOf(folder), pack: false, level: 'warning' })
    expect(messages.map(message => formatMessage(message, pkg ?? {}))).toEqual([])
  })

  test('has types that agree with its modules in every ESM resolution', { timeout: 180_000 }, async () => {
    await execute(
      process.execPath,
      [
        join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
        tarballs[folder]!,
        '--profile',
        'esm-only',
        '--no-emoji',
      ],
      { cwd: consumer },
    )
  })
})

test('the command line has the license of each package in its bundle, whose texts it has not otherwise', async () => {
  const licenses = await readFile(join(packageOf('migrator'), 'dist/cli/licenses.txt'), 'utf8')
  const texts = licenses.split(/^-{80}$/m).map(text => text.trim())
  const { devDependencies } = JSON.parse(await readFile(join(packageOf('migrator'), 'package.json'), 'utf8'))
  for (const name of [...Object.keys(devDependencies), 'pg', 'umzug', 'libpg-query'])
    expect(texts.filter(text => text.startsWith(`${name} `))).toEqual([expect.stringMatching(/Copyright/i)])
  expect(texts.filter(text => !/copyright/i.test(text))).toEqual([])
})

test('set-repository gives both the address that npm checks provenance by', async () => {
  const folder = join(consumer, 'checkout')
  for (const name of folders) {
    await mkdir(join(folder, name), { recursive: true })
    await copyFile(join(root, name, 'package.json'), join(folder, name, 'package.json'))
  }
  const env = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'someone/schemagate' }
  const script = join(root, 'scripts/release/set-repository.ts')
  await execute(process.execPath, [script], { cwd: folder, env })
  for (const name of folders) {
    const manifest = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8'))
    const url = 'git+https://github.com/someone/schemagate.git'
    expect(manifest.repository).toEqual({ type: 'git', url, directory: name })
    expect(manifest.name).toBe(names[name])
  }
  await expect(execute(process.execPath, [script, 'nonsense'], { cwd: folder })).rejects.toThrow('set-repository')
})

test('the code in the READMEs compiles with skipLibCheck off', async () => {
  const project = join(consumer, 'project')
  await mkdir(project, { recursive: true })
  const snippets = folders.flatMap(folder => code(join(packageOf(folder), 'README.md'), 'ts'))
  expect(snippets.length).toBeGreaterThanOrEqual(2)
  const ambient =
    "import { fastify } from 'fastify'\nimport { gateMiddleware } from 'schemagate-gate'\nconst app = fastify()\nconst work = () => 1\nvoid [app, work, gateMiddleware]\n"
  for (const [i, snippet] of snippets.entries()) await writeFile(join(project, `${i}.ts`), `${ambient}${snippet}`)
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
      },
      include: ['*.ts'],
    }),
  )
  await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project })
})

/** The fenced blocks of a language in a Markdown file. */
function code(file: string, language: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}
