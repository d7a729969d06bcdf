import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodes } from '../../migrator/errors.ts'
import { withGeneratedParts } from '../../scripts/docs.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const readme = read('README.md')

test('the README lists the commands and options that there are', () => {
  expect(readme).toBe(withGeneratedParts(readme))
})

test('the README explains every exit code', () => {
  const explained = readme
    .split('\n')
    .flatMap(line => /^\| ([\d, ]+) \|/.exec(line)?.[1]?.split(', ') ?? [])
    .map(Number)
  expect(explained.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes).toSorted((a, b) => a - b))
})

describe.for(['README.md', 'docker/README.md'])('%s', page => {
  const text = read(page)

  test('names npm scripts that there are', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
    expect(named.length).toBeGreaterThan(0)
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
  })

  test('names files that there are', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link = '']) => join(dirname(page), link))
    const quoted = [...text.matchAll(/(?<![\w/-])(?:docker|scripts|migrator|app|test)\/[\w./-]*\w/g)].map(
      ([path]) => path,
    )
    // made by those who follow the page
    const made = new Set(['app/manifest.json'])
    const missing = [...links, ...quoted].filter(path => !made.has(path) && !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
})

/** What stands around the README's pieces of code: what an application has anyway. */
const around = `
import type { FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
declare global {
  const app: FastifyInstance
  const pool: Pool
}
`

test("the README's TypeScript is taken by the compiler, with the types that an application sees", () => {
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
  expect(blocks.length).toBeGreaterThan(2)
  const folder = mkdtempSync(join(root, 'test/readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [i, code] of blocks.entries()) writeFileSync(join(folder, `block-${i}.ts`), code)
  writeFileSync(join(folder, 'around.d.ts'), around)
  const paths = {
    schemagate: ['../../migrator/index.ts'],
    'schemagate-gate': ['../../gate/index.ts'],
    'schemagate-gate/fastify': ['../../gate/adapters/fastify.ts'],
  }
  const config = { extends: '../../tsconfig.json', compilerOptions: { paths }, include: ['*'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
  expect(status).toBe(0)
}, 60_000)
