// The commands, in the order of the help.

import { options as commonOptions } from '../../settings/options.ts'
import type { Command } from '../command.ts'
import { variablesOf } from '../command-line.ts'
import { adoptCommand } from './adopt.ts'
import { baselineCommand } from './baseline.ts'
import { checkCommand } from './check.ts'
import { createCommand } from './create.ts'
import { doctorCommand } from './doctor.ts'
import { downCommand } from './down.ts'
import { followCommand } from './follow.ts'
import { gateCommand } from './gate.ts'
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
  gateCommand,
  planCommand,
  verifyCommand,
  createCommand,
  adoptCommand,
  baselineCommand,
  followCommand,
  repairCommand,
  manifestCommand,
  doctorCommand,
  initCommand,
]

/** Every variable that any command reads. A command accepts those of all others, because an environment is shared. */
export const variables = variablesOf([commonOptions, ...commands.map(command => command.options)])

/** Names of commands that are planned. */
export const reserved: ReadonlySet<string> = new Set(['deploy', 'rollback', 'backup', 'restore', 'rehearse'])
