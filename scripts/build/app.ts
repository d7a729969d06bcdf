// Builds the example app for its image: few files instead of a thousand, as CommonJS. An app that starts spends most of its
// time on finding and reading files, and ES modules load all of what they import from Node (its HTTP client with node:http).

import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('../..', import.meta.url))
const out = `${root}app/dist`

rmSync(out, { recursive: true, force: true })
const bundle = await rolldown({
  input: { main: `${root}app/main.ts` },
  platform: 'node',
  // What is loaded when it is first needed: it has files of its own beside its code, or is not needed to start.
  external: ['pg-native', '@fastify/swagger', '@fastify/swagger-ui', 'pino-pretty', 'jose'],
})
// names stay as they are: an error's class is part of what the log says
await bundle.write({
  dir: out,
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
  minify: { mangle: false, compress: true, codegen: true },
})
await bundle.close()
