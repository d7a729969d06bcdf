// The verbs, in the order in which help lists them.

import { options as commonOptions } from '../../settings/options.ts'
import type { Command } from '../command.ts'
import { variablesOf } from '../command-line.ts'
import { baselineCommand } from './baseline.ts'
import { checkCommand } from './check.ts'
import { createCommand } from './create.ts'
import { doctorCommand } from './doctor.ts'
import { downCommand } from './down.ts'
import { initCommand } from './init.ts'
import { manifestCommand } from './manifest.ts'
import { planCommand } from './plan.ts'
import { repairCommand } from './repair.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'
import { verifyCommand } from './verify.ts'
import { waitCommand } from './wait.ts'

export const commands: readonly Command[] = [
  upCommand,
  downCommand,
  statusCommand,
  checkCommand,
  waitCommand,
  planCommand,
  verifyCommand,
  createCommand,
  baselineCommand,
  repairCommand,
  manifestCommand,
  doctorCommand,
  initCommand,
]

/** Every variable that any command reads, also where it is not among its own. */
export const variables = variablesOf([commonOptions, ...commands.map(command => command.options)])

/** Names that later versions will give a meaning. */
export const reserved: ReadonlySet<string> = new Set(['adopt'])
