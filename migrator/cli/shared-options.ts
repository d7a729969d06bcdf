// Options that several commands have, and not all.

import type { Option } from '../settings/option.ts'

export const formatOption = {
  flag: 'format',
  kind: 'choice',
  choices: ['text', 'json'],
  default: 'text',
  help: 'text for a person, json for a program',
} as const satisfies Option

/** For `check` and `wait`. */
export const manifestOption = {
  flag: 'manifest',
  variable: 'SCHEMAGATE_MANIFEST',
  kind: 'text',
  placeholder: 'FILE',
  help: 'ask for the app with this manifest: whether all of it is applied, and nothing breaking that it does not know',
} as const satisfies Option
