// Builds dist/: the CLI as a bundle, the libraries, and the example's manifest.

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
// built beside and then put in place: a run of the old bundle that is under way is not left without its files
const dist = `${root}dist.${process.pid}`
const { version, engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const oldestNode = Number.parseInt(engines.node.replace('>=', ''), 10)
const require = createRequire(import.meta.url)

/**
 * What libraries load at every start and the command line never uses; it costs more than the rest of a start.
 * Umzug has a command line of its own, pino can log from a worker thread and checks arguments with node:assert, and pg
 * has the names of hosts looked up for its native sibling, and the Web Crypto API for passwords.
 */
const unused: readonly { id: RegExp; instead: string }[] = [
  { id: /umzug[\\/]lib[\\/]cli\.js$/, instead: 'exports.UmzugCLI = undefined' },
  { id: /thread-stream[\\/]index\.js$/, instead: 'module.exports = undefined' },
  {
    id: /pg[\\/]lib[\\/]crypto[\\/]utils\.js$/,
    instead: `module.exports = require(${JSON.stringify(`${root}migrator/postgres/password-exchange.ts`)})`,
  },
  { id: /^\0dns$/, instead: 'exports.lookup = undefined' },
  { id: /^\0assert$/, instead: 'module.exports = (ok, message) => { if (!ok) throw new Error(message) }' },
]
const withoutTheUnused = {
  name: 'without-the-unused',
  resolveId: (id: string) => (id === 'assert' || id === 'dns' ? `\0${id}` : undefined),
  load: (id: string) => unused.find(module => module.id.test(id))?.instead,
}

async function write(input: InputOptions, output: OutputOptions): Promise<void> {
  const bundle = await rolldown({
    platform: 'node',
    transform: { define: { SCHEMAGATE_VERSION: JSON.stringify(version) } },
    plugins: [withoutTheUnused],
    ...input,
  })
  // names stay as they are: an error's class is part of what the log says
  await bundle.write({ minify: { mangle: false, compress: true, codegen: true }, ...output })
  await bundle.close()
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)

// the command line: CommonJS, which starts faster than ES modules, with what a run rarely needs in chunks of their own
await write(
  { input: { cli: `${root}migrator/cli.ts` }, external: ['pg-native'] },
  { dir: `${dist}/cli`, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs' },
)
copyFileSync(require.resolve('libpg-query/wasm/libpg-query.wasm'), `${dist}/cli/libpg-query.wasm`)
// V8's code cache spares most of the compiling at each start; where its folder cannot be written, it is done without
writeFileSync(
  `${dist}/schemagate.cjs`,
  `#!/usr/bin/env node
if (Number.parseInt(process.versions.node) < ${oldestNode}) {
  console.error('schemagate needs Node ${oldestNode} or newer, and this is ' + process.version + '.')
  process.exit(2)
}
require('node:module').enableCompileCache(require('node:path').join(__dirname, 'cache'))
require('./cli/cli.cjs')
`,
  { mode: 0o755 },
)

// the libraries: ES modules that share the application's own dependencies
await write(
  {
    input: {
      index: `${root}migrator/index.ts`,
      gate: `${root}migrator/gate/index.ts`,
      'gate-fastify': `${root}migrator/gate/fastify.ts`,
    },
    external: /^(?!\.|\/|[A-Za-z]:\\)/,
  },
  { dir: dist, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: 'shared/[name].mjs' },
)

execFileSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`, '--outDir', `${dist}/types`],
  {
    stdio: 'inherit',
  },
)
writeFileSync(
  `${dist}/manifest.json`,
  execFileSync(process.execPath, [`${dist}/schemagate.cjs`, 'manifest', '--dir', `${root}migrator/migrations`], {
    env: {},
  }),
)

const [old, current] = [`${dist}.old`, `${root}dist`]
for (;;) {
  if (existsSync(current)) renameSync(current, old)
  rmSync(old, { recursive: true, force: true })
  try {
    renameSync(dist, current)
    break
  } catch (error) {
    // another build has put its own there meanwhile
    if (!existsSync(current)) throw error
  }
}
