// The option of commands that print a result: for a person, or for a program.

import type { Option } from '../settings/option.ts'

export const formatOption = {
  flag: 'format',
  kind: 'choice',
  choices: ['text', 'json'],
  default: 'text',
  help: 'text for a person, json for a program',
} as const satisfies Option
