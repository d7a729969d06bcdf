// schemagate's own folder: any of the common forms, side by side, in the order of their numbers.

import type { Tool } from './tool.ts'

export const native: Tool = {
  name: 'native',
  title: 'schemagate',
}
