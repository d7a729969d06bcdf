// Builds what the packages publish: the gate's library; the migrator's command line as a bundle and its library. Besides
// the example's manifest, which both images carry.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown'
import { ledgerTables } from '../../migrator/ledger/table.ts'
import { currentVersion } from '../../migrator/ledger/versions.ts'
import { licensesOf } from './licenses.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// Built beside and then put in place: a run of the old bundle that is under way keeps its files.
const [gate, migrator, example] = [`${root}gate/dist`, `${root}migrator/dist`, `${root}dist`].map(unfinished) as [
  string,
  string,
  string,
]
const { version, engines } = JSON.parse(readFileSync(`${root}migrator/package.json`, 'utf8'))
const oldestNode = Number.parseInt(engines.node.replace('>=', ''), 10)
const require = createRequire(import.meta.url)
/** Tells builds of one version apart, by their sources. */
const build = `${version} ${contentOf(
  root,
  ['gate', 'migrator'].flatMap(name => sourcesIn(name)),
)}`

/**
 * What libraries load at every start and the command line never uses; it costs more than the rest of a start.
 * Umzug has a command line of its own, pino can log from a worker thread and checks arguments with node:assert, and pg
 * has the names of hosts looked up for its native sibling, and the Web Crypto API for passwords. TLS is loaded where a
 * client certificate is set, or by pg; what makes hashes is loaded while the server is waited for.
 */
const unused: readonly { id: RegExp; instead: string }[] = [
  { id: /umzug[\\/]lib[\\/]cli\.js$/, instead: 'exports.UmzugCLI = undefined' },
  { id: /thread-stream[\\/]index\.js$/, instead: 'module.exports = undefined' },
  {
    id: /pg[\\/]lib[\\/]crypto[\\/]utils\.js$/,
    instead: `module.exports = require(${JSON.stringify(`${root}migrator/postgres/password-exchange.ts`)})`,
  },
  { id: /^\0dns$/, instead: 'exports.lookup = undefined' },
  {
    id: /^\0node:tls$/,
    instead:
      "export const createSecureContext = options => process.getBuiltinModule('node:tls').createSecureContext(options)",
  },
  {
    id: /^\0node:crypto$/,
    instead: [
      "const load = name => (...args) => process.getBuiltinModule('node:crypto')[name](...args)",
      ...[
        'createHash',
        'createHmac',
        'hash',
        'pbkdf2',
        'pbkdf2Sync',
        'randomBytes',
        'randomInt',
        'randomUUID',
        'timingSafeEqual',
      ].map(name => `export const ${name} = load('${name}')`),
    ].join('\n'),
  },
  { id: /^\0assert$/, instead: 'module.exports = (ok, message) => { if (!ok) throw new Error(message) }' },
]
const withoutTheUnused = {
  name: 'without-the-unused',
  resolveId: (id: string) => (['assert', 'dns', 'node:crypto', 'node:tls'].includes(id) ? `\0${id}` : undefined),
  load: (id: string) => unused.find(module => module.id.test(id))?.instead,
}

async function write(input: InputOptions, output: OutputOptions): Promise<void> {
  const bundle = await rolldown({
    platform: 'node',
    transform: { define: { SCHEMAGATE_VERSION: JSON.stringify(version), SCHEMAGATE_BUILD: JSON.stringify(build) } },
    plugins: [withoutTheUnused],
    ...input,
  })
  // names stay as they are: an error's class is part of what the log says
  await bundle.write({ minify: { mangle: false, compress: true, codegen: true }, ...output })
  await bundle.close()
}

for (const folder of [gate, migrator, example]) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
}

// the command line: CommonJS, which starts faster than ES modules, with what a run rarely needs in chunks of their own
const entry = `${root}migrator/cli/main.ts`
/**
 * One file for what each start loads, one for what a run adds that applies: a file costs half a millisecond, however small
 * it is.
 */
const together: readonly { name: string; entries: readonly string[] }[] = [
  { name: 'start', entries: ['cli/main.ts'] },
  {
    name: 'apply',
    entries: [
      'verbs/apply-pending.ts',
      'run/umzug.ts',
      'app-role/index.ts',
      'app-role/new-objects.ts',
      'app-role/report.ts',
    ],
  },
]
const bundled = new Set<string>()
/** The first group that a module belongs to. */
const groupOf = new Map<string, string>()
await write(
  {
    input: { cli: entry },
    external: ['pg-native'],
    plugins: [
      withoutTheUnused,
      {
        name: 'groups',
        buildEnd() {
          const add = (id: string, name: string) => {
            if (groupOf.has(id)) return
            groupOf.set(id, name)
            for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported, name)
          }
          for (const { name, entries } of together) for (const id of entries) add(`${root}migrator/${id}`, name)
        },
      },
      {
        name: 'bundled',
        generateBundle(_, chunks) {
          for (const chunk of Object.values(chunks))
            if (chunk.type === 'chunk') for (const id of chunk.moduleIds) bundled.add(id)
        },
      },
    ],
  },
  {
    dir: `${migrator}/cli`,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: {
      groups: together.map(({ name }) => ({ name, test: (id: string) => groupOf.get(id) === name })),
    },
  },
)
copyFileSync(require.resolve('libpg-query/wasm/libpg-query.wasm'), `${migrator}/cli/libpg-query.wasm`)
writeFileSync(`${migrator}/cli/licenses.txt`, licensesOf(bundled))
// What messages name, and the files that these pages tell to copy; an image is built without them.
for (const path of ['docs', 'docker/proxies', 'docker/wait-for-gate', 'examples/python-gate'])
  if (existsSync(`${root}${path}`)) cpSync(`${root}${path}`, `${migrator}/${path}`, { recursive: true })
for (const name of readdirSync(`${migrator}/cli`).filter(name => name.endsWith('.cjs'))) {
  const chunk = `${migrator}/cli/${name}`
  writeFileSync(chunk, asScript(readFileSync(chunk, 'utf8')))
}
// npm gives all files the same time, by which and by its size BuildKit tells whether it has a file already: what has changed
// has another name, or an image could be made of the chunks of two releases.
const content = contentOf(`${migrator}/cli`)
for (const name of readdirSync(`${migrator}/cli`).filter(name => name.endsWith('.cjs')))
  renameSync(`${migrator}/cli/${name}`, `${migrator}/cli/${content}-${name}`)
const launcher = readFileSync(`${root}scripts/build/launcher.cjs`, 'utf8').replaceAll('OLDEST_NODE', String(oldestNode))
writeFileSync(`${migrator}/schemagate.cjs`, launcher, { mode: 0o755 })
const warmUp = readFileSync(`${root}scripts/build/warm-up.cjs`, 'utf8')
  .replaceAll('LEDGER_TABLES', JSON.stringify(ledgerTables))
  .replaceAll('LEDGER_VERSION', String(currentVersion))
writeFileSync(`${migrator}/warm-up.cjs`, warmUp)

// The libraries: ES modules that share the application's own dependencies.
const library: OutputOptions = { format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: 'shared/[name].mjs' }
const external = /^(?!\.|\/|[A-Za-z]:\\)/
await write({ input: { index: `${root}migrator/index.ts` }, external }, { dir: migrator, ...library })
await write(
  {
    input: gateEntries(),
    external,
    transform: { target: 'node20' },
  },
  { dir: gate, ...library },
)
types('gate', gate)
types('migrator', migrator)

writeFileSync(
  `${example}/manifest.json`,
  execFileSync(process.execPath, [`${migrator}/schemagate.cjs`, 'manifest', '--dir', `${root}migrator/migrations`], {
    env: {},
  }),
)
for (const folder of [gate, migrator, example]) putInPlace(folder)
// Putting them in place changed their parents' times, and build-if-stale compares with this file's.
utimesSync(`${root}migrator/dist/schemagate.cjs`, new Date(), new Date())

/** The gate's entries by the names of their files: what its package.json exports, each from the source of its types. */
function gateEntries(): Record<string, string> {
  const { exports }: { exports: Record<string, { types: string; default: string } | string> } = JSON.parse(
    readFileSync(`${root}gate/package.json`, 'utf8'),
  )
  return Object.fromEntries(
    Object.values(exports).flatMap(entry =>
      typeof entry === 'string'
        ? []
        : [
            [
              basename(entry.default, '.mjs'),
              entry.types.replace('./dist/types/', `${root}gate/`).replace('.d.ts', '.ts'),
            ],
          ],
    ),
  )
}

/**
 * A chunk as the launcher takes it: the function that Node would make of it, in ASCII, of which V8 keeps a byte for each
 * character; a script has no `import()` of its own, and the launcher hands one in.
 */
function asScript(chunk: string): string {
  const ascii = chunk.replaceAll(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `(function (exports, require, module, __filename, __dirname, importModule) {${ascii.replaceAll(/\bimport\(/g, 'importModule(')}\n})`
}

/** The paths of a package's sources. */
function sourcesIn(name: string): string[] {
  return globSync(`${name}/**/*.ts`, { cwd: root, exclude: ['**/node_modules', '**/dist*'] })
}

/** A name for what files of a folder contain: 16 characters. */
function contentOf(folder: string, names: readonly string[] = readdirSync(folder)): string {
  const hash = createHash('sha256')
  for (const name of names.toSorted()) hash.update(`${name}\n`).update(readFileSync(`${folder}/${name}`))
  return hash.digest('hex').slice(0, 16)
}

/** The package's type declarations, in its folder `types`. */
function types(name: string, folder: string): void {
  const compiler = `${root}node_modules/typescript/bin/tsc`
  execFileSync(
    process.execPath,
    [compiler, '-p', `${root}${name}/tsconfig.build.json`, '--outDir', `${folder}/types`],
    {
      stdio: 'inherit',
    },
  )
}

function unfinished(folder: string): string {
  return `${folder}.${process.pid}`
}

function putInPlace(folder: string): void {
  const current = folder.slice(0, -`.${process.pid}`.length)
  const old = `${folder}.old`
  for (;;) {
    if (existsSync(current)) renameSync(current, old)
    rmSync(old, { recursive: true, force: true })
    try {
      renameSync(folder, current)
      return
    } catch (error) {
      // another build has put its own there
      if (!existsSync(current)) throw error
    }
  }
}
