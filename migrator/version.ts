// The product's version, from package.json: inlined when the bundle is built.

import { readFileSync } from 'node:fs'

declare const SCHEMAGATE_VERSION: string | undefined

export const version: string =
  typeof SCHEMAGATE_VERSION === 'string'
    ? SCHEMAGATE_VERSION
    : JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
