// The product's version, from package.json, and which build of it this is: inlined when the bundle is built.

import { readFileSync } from 'node:fs'

declare const SCHEMAGATE_VERSION: string | undefined
declare const SCHEMAGATE_BUILD: string | undefined

export const version: string =
  typeof SCHEMAGATE_VERSION === 'string'
    ? SCHEMAGATE_VERSION
    : JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

/** Another one for other sources of the same version: what is kept for the next run may follow from either. */
export const build: string = typeof SCHEMAGATE_BUILD === 'string' ? SCHEMAGATE_BUILD : version
