// The verbs, in the order in which help lists them.

import type { Command } from '../command.ts'
import { baselineCommand } from './baseline.ts'
import { checkCommand } from './check.ts'
import { createCommand } from './create.ts'
import { downCommand } from './down.ts'
import { manifestCommand } from './manifest.ts'
import { planCommand } from './plan.ts'
import { repairCommand } from './repair.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'
import { waitCommand } from './wait.ts'

export const commands: readonly Command[] = [
  upCommand,
  downCommand,
  statusCommand,
  checkCommand,
  waitCommand,
  planCommand,
  createCommand,
  baselineCommand,
  repairCommand,
  manifestCommand,
]

/** Names that later versions will give a meaning. */
export const reserved: ReadonlySet<string> = new Set(['verify', 'adopt'])
