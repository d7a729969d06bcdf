// Builds dist/: the CLI as a bundle, the libraries, their types, and the example's manifest.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type OutputOptions, rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
const require = createRequire(import.meta.url)

/** Umzug's own command line is never used, and costs more to load than all of the rest. */
const withoutUmzugCli = {
  name: 'without-umzug-cli',
  load: (id: string) => (/umzug\/lib\/cli\.js$/.test(id) ? 'exports.UmzugCLI = undefined' : undefined),
}

const output: OutputOptions = {
  dir: `${root}/dist`,
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunks/[name]-[hash].mjs',
  // names stay: an error's class is part of what the log says
  minify: { mangle: false, compress: true, codegen: true },
}

const bundle = await rolldown({
  input: {
    schemagate: `${root}/migrator/cli.ts`,
    index: `${root}/migrator/index.ts`,
    gate: `${root}/migrator/gate/index.ts`,
  },
  platform: 'node',
  external: ['fastify', 'pg-native'],
  transform: { define: { SCHEMAGATE_VERSION: JSON.stringify(version), __dirname: 'import.meta.dirname' } },
  plugins: [withoutUmzugCli],
})
rmSync(`${root}/dist`, { recursive: true, force: true })
mkdirSync(`${root}/dist`)
await bundle.write(output)
await bundle.close()
copyFileSync(require.resolve('libpg-query/wasm/libpg-query.wasm'), `${root}/dist/chunks/libpg-query.wasm`)
const manifest = execFileSync(
  process.execPath,
  [`${root}/dist/schemagate.mjs`, 'manifest', '--dir', `${root}/migrator/migrations`],
  { env: {} },
)
writeFileSync(`${root}/dist/manifest.json`, manifest)
