// The verbs, in the order in which help lists them.

import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { downCommand } from './down.ts'
import { manifestCommand } from './manifest.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'
import { waitCommand } from './wait.ts'

export const commands: readonly Command[] = [
  upCommand,
  downCommand,
  statusCommand,
  checkCommand,
  waitCommand,
  manifestCommand,
]

/** Names that later versions will give a meaning. */
export const reserved: ReadonlySet<string> = new Set(['verify', 'adopt'])
