// README and docs: what they name is there, and their TypeScript compiles.

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { GateState } from '../../../gate/index.ts'
import { commands } from '../../../migrator/cli/commands/index.ts'
import { exitCodes } from '../../../migrator/errors.ts'
import type { DatabaseState, ProblemCode } from '../../../migrator/ledger/history.ts'
import type { MigrationStatus, Outcome } from '../../../migrator/run/result.ts'
import type { Option } from '../../../migrator/settings/option.ts'
import { options as commonOptions } from '../../../migrator/settings/options.ts'
import { pages as generated, withGeneratedParts } from '../../../scripts/build/docs.ts'

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'RELEASING.md',
  'SECURITY.md',
  ...['app', 'docker', 'gate', 'migrator', 'examples'].map(folder => `${folder}/README.md`),
  ...globSync('examples/*/README.md', { cwd: root }),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]
const text = Object.fromEntries(pages.map(page => [page, read(page)]))

test('README is a page of at most 150 lines', () => {
  expect(text['README.md']!.split('\n').length).toBeLessThanOrEqual(151)
})

test.for(Object.keys(generated))('%s lists what the code has', page => {
  expect(text[page]).toBe(withGeneratedParts(page, text[page]!))
})

test('the page on operating explains every exit code', () => {
  const [, chapter = ''] = /^## Exit codes$(.*?)^## /ms.exec(text['docs/operating.md']!) ?? []
  const explained = chapter
    .split('\n')
    .flatMap(line => /^\| ([\d, ]+) \|/.exec(line)?.[1]?.split(', ') ?? [])
    .map(Number)
  expect(explained.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes).toSorted((a, b) => a - b))
})

test.for(['gate/README.md', 'docs/gate.md', 'docs/operating.md'])('%s names every state of a closed gate', page => {
  const states: Record<Exclude<GateState, 'open'>, true> = {
    ...{ unreachable: true, unmigrated: true, foreign: true, behind: true, diverged: true },
    ...{ 'too-old': true, migrating: true },
  }
  expect(Object.keys(states).filter(state => !read(page).includes(`\`${state}\``))).toEqual([])
})

test('the page on JSON names every state, every problem and every outcome', () => {
  const states: Record<DatabaseState, true> = {
    ...{ current: true, pending: true, diverged: true, ahead: true, empty: true, foreign: true },
  }
  const problems: Record<ProblemCode, true> = {
    ...{ edited: true, missing: true, 'out-of-order': true, interrupted: true },
    ...{ 'row-security': true, emptied: true, foreign: true, 'moved-on': true },
  }
  const outcomes: Record<Outcome | MigrationStatus, true> = {
    ...{ applied: true, reverted: true, 'nothing-to-do': true, failed: true, interrupted: true },
    ...{ skipped: true, 'not-reached': true },
  }
  const words = Object.keys({ ...states, ...problems, ...outcomes })
  expect(words.filter(word => !text['docs/json.md']!.includes(`\`${word}\``))).toEqual([])
})

test('every message that the page on operating quotes is in the sources', () => {
  const sources = ['gate', 'migrator']
    .flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
    )
    .filter(name => name.endsWith('.ts') && !name.includes('dist'))
    .map(read)
    .join('\n')
  const rows = [...text['docs/operating.md']!.matchAll(/^\| [\d, ]+ \| ("[^|]*) \|/gm)].map(([, says = '']) => says)
  const quoted = rows
    .filter(says => !/the server('s own| says)/.test(says))
    .flatMap(says => says.match(/"[^"]+"/g) ?? [])
  expect(quoted.length).toBeGreaterThan(20)
  expect(quoted.map(message => message.slice(1, -1)).filter(message => !sources.includes(message))).toEqual([])
})

test('.env.example has the settings of production that its page names, with their defaults', () => {
  const [, list = ''] =
    /Other settings go into `\.env`.*?finds them as well: (.*?)\.\n/.exec(text['docs/production.md']!) ?? []
  const names = [...list.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(3)
  const compose = read('docker/compose.prod.yml')
  const lines = names.map(name => `${name}=${new RegExp(`\\$\\{${name}:-([^}]*)\\}`).exec(compose)?.[1]}`)
  expect(lines.filter(line => !read('.env.example').split('\n').includes(line))).toEqual([])
})

test('the page on CI names every image that is published', () => {
  const [, list = ''] = /target: \[(.*?)\]/.exec(read('.github/workflows/images.yml')) ?? []
  const targets = list.split(', ')
  expect(targets).toContain('migrator')
  expect(targets.filter(target => !text['docs/ci.md']!.includes(`\`${target}\``))).toEqual([])
})

test("the page on the gate's service explains every metric", () => {
  const names = [...read('migrator/gate-service/metrics.ts').matchAll(/metric\(\s*'(\w+)'/g)].map(
    ([, name = '']) => name,
  )
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter(name => !new RegExp(`^\\|.*\`${name}[\`{]`, 'm').test(text['docs/gate-service.md']!))).toEqual([])
})

test("the gate's README explains everything that an application can import from it", async () => {
  const names = Object.keys(await import('../../../gate/index.ts'))
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter(name => !new RegExp(`^\\|.*\`${name}[\`(]`, 'm').test(text['gate/README.md']!))).toEqual([])
})

test('every page of docs is in its index', () => {
  for (const page of pages.filter(name => /^docs\/[^/]+\.md$/.test(name) && name !== 'docs/README.md'))
    expect(text['docs/README.md'], page).toContain(`](${page.slice('docs/'.length)})`)
})

test('the map has every folder of the code', () => {
  const folders = ['gate', 'migrator', 'app', 'scripts'].flatMap(parent =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !/^(dist(\.\d+)?|node_modules)$/.test(entry.name))
      .map(({ name }) => `${parent}/${name}/`),
  )
  expect(folders.length).toBeGreaterThan(30)
  expect(folders.filter(folder => !text['docs/architecture.md']!.includes(`\`${folder}\``))).toEqual([])
})

test('every decision is in its index', () => {
  for (const page of pages.filter(name => name.startsWith('docs/decisions/') && !name.endsWith('README.md')))
    expect(text['docs/decisions/README.md'], page).toContain(`](${page.slice('docs/decisions/'.length)})`)
})

describe.for(pages)('%s', page => {
  test('names npm scripts that there are', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
    const named = [...text[page]!.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
    expect(named.filter(name => !(name! in scripts))).toEqual([])
  })

  test('names commands and options that there are', () => {
    const known = [...commands.flatMap(c => Object.values<Option>(c.options)), ...Object.values<Option>(commonOptions)]
    const verbs = commands.map(c => c.name)
    const called = [...text[page]!.matchAll(/(?:npx |`)schemagate ([a-z]+)([^`\n]*)/g)]
    for (const [all, verb, rest] of called) {
      expect(verbs, all).toContain(verb)
      const own = rest!.split(' -- ')[0]!
      for (const [, flag] of own.matchAll(/ --([a-z-]+)/g))
        expect(['help', ...known.map(o => o.flag)], all).toContain(flag)
    }
  })

  test('links to headings that there are', () => {
    const links = [...text[page]!.matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)]
    for (const [link, file = '', anchor] of links) {
      const headings = [...read(file === '' ? page : join(dirname(page), file)).matchAll(/^#+ (.+)$/gm)]
      const anchors = headings.map(([, heading = '']) => anchorOf(heading))
      expect(anchors, link).toContain(anchor)
    }
  })

  test('names files that there are', () => {
    const links = [...text[page]!.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      join(dirname(page), link),
    )
    const quoted = [
      ...text[page]!.matchAll(/(?<![\w/.-])(?:docker|scripts|migrator|gate|app|test|docs)\/[\w./-]*\w/g),
    ].map(([path]) => path)
    // made by those who follow the page
    const made = new Set(['app/manifest.json'])
    const missing = [...links, ...quoted].filter(path => !made.has(path) && !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
})

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** What stands around the README's pieces of code: what an application has anyway. */
const around = `
import type { FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
declare global {
  const app: FastifyInstance
  const pool: Pool
  interface Job {
    readonly data: unknown
  }
  const worker: { pause(doNotWaitActive: boolean): Promise<void>; resume(): void }
  const handle: (job: Job) => Promise<void>
}
`

test("the pages' TypeScript is taken by the compiler, with the types that an application sees", () => {
  const blocks = pages.flatMap(page =>
    [...text[page]!.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code),
  )
  expect(blocks.length).toBeGreaterThan(2)
  const folder = mkdtempSync(join(root, 'test/docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [i, code] of blocks.entries()) writeFileSync(join(folder, `block-${i}.ts`), code)
  writeFileSync(join(folder, 'around.d.ts'), around)
  const paths = {
    schemagate: ['../../migrator/index.ts'],
    'schemagate-gate': ['../../gate/index.ts'],
    'schemagate-gate/fastify': ['../../gate/adapters/fastify.ts'],
    'schemagate-gate/opentelemetry': ['../../gate/opentelemetry.ts'],
  }
  const config = { extends: '../../tsconfig.json', compilerOptions: { paths }, include: ['*'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
  expect(status).toBe(0)
}, 60_000)
