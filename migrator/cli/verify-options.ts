// The options of commands that compare the live schema with what the migrations make.

import type { Options } from '../settings/option.ts'

export const scratchUrlOption = {
  flag: 'scratch-url',
  variable: 'SCHEMAGATE_SCRATCH_URL',
  kind: 'url',
  placeholder: 'URL',
  help: 'the server for the scratch database, of the same major version; by default the live one, where nothing in the files reaches beyond their database',
} as const satisfies Options[string]

/** By its variable alone where `--ignore` means files. */
export const ignoreDifferencesOption = {
  variable: 'SCHEMAGATE_VERIFY_IGNORE',
  kind: 'list',
  placeholder: 'GLOB',
  help: "differences that are known, by name: 'public.tmp_*', 'index *', 'table users: owner'",
} as const satisfies Options[string]
