// Which folder may import from which: from a layer to those below it, and never back.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

type Layers = readonly (readonly string[])[]

/** What migrator and gate share: the messages between them, other tools' histories, and how Postgres is reached. */
const shared: Layers = [['gate/protocol', 'gate/histories'], ['gate/postgres'], ['gate/did-you-mean.ts']]

/** From the top down. A file belongs to the longest path that it starts with. */
const packages: Readonly<Record<string, Layers>> = {
  gate: [
    ['gate/index.ts'],
    ['gate/adapters', 'gate/pools'],
    ['gate', 'gate/requests', 'gate/watching'],
    ['gate/reading'],
    ...shared,
  ],
  migrator: [
    ['migrator/index.ts', 'migrator/migrations'],
    ['migrator/cli'],
    // The only part of the migrator that holds a gate itself.
    ['migrator/gate-service'],
    ['migrator/telemetry'],
    ['gate'],
    ['migrator/init'],
    ['migrator/verbs', 'migrator/verify', 'migrator/doctor'],
    ['migrator/doctor/rules'],
    ['migrator/doctor/patches'],
    ['migrator/doctor/model'],
    ['migrator/doctor/startup'],
    ['migrator/doctor/shell', 'migrator/doctor/compose'],
    ['migrator/apply', 'migrator/run', 'migrator/adopt', 'migrator/follow'],
    ['migrator/app-role'],
    ['migrator/histories'],
    ['migrator/ledger'],
    ['migrator/settings'],
    ['migrator/files'],
    ['migrator/progress'],
    ['migrator/postgres'],
    ['migrator'],
    ['migrator/sql', 'migrator/text'],
    ...shared,
  ],
  scripts: [
    ['scripts/release', 'scripts/bench'],
    ['scripts/stack'],
    ['scripts/build'],
    ['scripts/lib'],
    ['gate', 'migrator'],
  ],
  // It imports the gate by its name, as any application does.
  app: [['app', 'app/auth', 'app/tickets']],
}

const sources = globSync('{gate,migrator,app,scripts}/**/*.ts', {
  cwd: root,
  exclude: path => /(^|\/)(node_modules|dist(\.\d+)?)(\/|$)/.test(path),
})

/** The part that a file belongs to, of those that the layers name. */
function partOf(file: string, layers: Layers): string | undefined {
  const parts = layers.flat().filter(part => file === part || file.startsWith(`${part}/`))
  return parts.toSorted((a, b) => b.length - a.length)[0]
}

/** The repository's own files that a file imports, by their paths. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.{1,2}\/[^']+)'/g)].map(
    ([, specifier]) => specifier!,
  )
  return specifiers.map(specifier => relative(root, join(root, dirname(file), specifier)))
}

/** The files that a file comes back to by way of its imports, itself included; empty if it does not. */
function circleOf(file: string, imports: ReadonlyMap<string, readonly string[]>): string[] {
  const from = new Map<string, string>()
  const open = [file]
  for (const one of open)
    for (const to of imports.get(one) ?? []) {
      if (to === file) {
        const way = [one]
        while (way[0] !== file) way.unshift(from.get(way[0]!)!)
        return way
      }
      if (!from.has(to)) open.push(to)
      from.set(to, from.get(to) ?? one)
    }
  return []
}

/** In words, each import of `text` that goes up, or to where it has no business. */
function wrongImports(file: string, text: string): string[] {
  const [name = ''] = file.split('/')
  const layers = packages[name]!
  const depth = (path: string) => layers.findIndex(layer => layer.some(part => part === partOf(path, layers)))
  return importsOf(file, text)
    .filter(to => depth(to) < depth(file))
    .map(to => `${file} imports ${to}`)
}

describe('imports', () => {
  test('go down, from one layer to the next', () => {
    expect(sources.length).toBeGreaterThan(100)
    const wrong = sources.flatMap(file => wrongImports(file, readFileSync(join(root, file), 'utf8')))
    expect(wrong).toEqual([])
  })

  test('never lead back to the file that they started from', () => {
    const imports = new Map(sources.map(file => [file, importsOf(file, readFileSync(join(root, file), 'utf8'))]))
    expect(sources.map(file => circleOf(file, imports)).filter(way => way.length > 0)).toEqual([])
    const circle = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['d', ['b']],
    ])
    expect([circleOf('a', circle), circleOf('b', circle)]).toEqual([[], ['b', 'd']])
  })

  test('are of folders that each have a layer', () => {
    const folders = new Set(sources.flatMap(file => file.match(/^[^/]+\/[^/]+(?=\/)/)?.[0] ?? []))
    const named = Object.values(packages).flat(2)
    expect([...folders].filter(folder => !named.includes(folder))).toEqual([])
  })

  test.for([
    ['gate/gate.ts', '../migrator/errors.ts'],
    ['gate/postgres/tls.ts', '../gate.ts'],
    ['migrator/files/folder.ts', '../run/engine.ts'],
    ['migrator/ledger/read.ts', '../apply/apply.ts'],
    ['migrator/sql/scan.ts', '../files/folder.ts'],
    ['migrator/verbs/up.ts', '../cli/main.ts'],
    ['migrator/verbs/up.ts', '../../gate/gate.ts'],
    ['app/server.ts', '../gate/index.ts'],
    ['scripts/lib/root.ts', '../stack/up.ts'],
  ])('%s may not import %s', ([file, specifier]) => {
    for (const text of [`import { x } from '${specifier}'`, `const { x } = await import('${specifier}')`])
      expect(wrongImports(file!, text)).toHaveLength(1)
  })
})
