// What a service runs at its start, command by command: compose file, Dockerfile, and the scripts that they call.

import type { CommandLine, Hook, Service } from '../compose/service.ts'
import { asOne } from './at-once.ts'
import type { BuildContext } from './build-context.ts'
import { wordsOf } from './line.ts'
import { Reader } from './reader.ts'
import type { HookName, Startup, Step } from './step.ts'
import { migrationOfImage } from './tools.ts'

/** Entrypoint and command of an image, where something has looked at it. */
export interface ImageConfig {
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
}

/** The commands that run before the service serves, in their order. */
export function startupOf(service: Service, context: BuildContext, image?: ImageConfig): Startup {
  const own = context.image ?? image
  const entrypoint = service.entrypoint ?? own?.entrypoint
  const command = service.command ?? (service.entrypoint === undefined ? own?.cmd : undefined)
  const reader = new Reader(service, context)
  const isEmpty = (line: CommandLine | undefined) => line === undefined || line.length === 0
  const from = service.entrypoint === undefined && service.command === undefined ? 'context' : 'compose'
  const steps = isEmpty(entrypoint)
    ? reader.line(command, from, 0)
    : reader.entry(entrypoint!, command, service.entrypoint === undefined ? 'context' : 'compose', from)
  return {
    steps: withHooks(steps, service, context),
    isKnown: steps.length > 0 && (service.entrypoint !== undefined || own !== undefined),
  }
}

/** What Compose runs beside the service first, then what it is started behind. */
function withHooks(steps: readonly Step[], service: Service, context: BuildContext): readonly Step[] {
  const read = (hooks: readonly Hook[], from: HookName) =>
    hooks.map((hook, i) => {
      const own = new Reader(service, context).line(commandOf(hook), from, 0)
      // in another image, its command is no line of the service's
      const isLine = (step: Step) => step.isLine && hook.image === undefined
      // none of the shells that the service has by this number
      return own.map(step => ({ ...step, from, isLine: isLine(step), processes: [-1 - i, ...step.processes] }))
    })
  const [before, beside] = [read(service.preStart, 'pre_start'), read(service.postStart, 'post_start')]
  if (before.length + beside.length === 0) return steps
  return [
    ...beside.flatMap(hook => asOne(hook, '&')),
    ...before.flatMap(hook => asOne(hook, '&&')),
    ...asOne(steps, 'end'),
  ]
}

/** A tool's image has the tool for its entrypoint. */
function commandOf({ command, image }: Hook): CommandLine {
  if (!image) return command ?? []
  if (command === undefined) return [image.name]
  return migrationOfImage(image, '') === undefined ? command : [image.name, ...wordsOf(command)]
}

/** The same steps with what the files have for each. @param shielded those of the same service, with its variables shielded */
export function withWritten({ steps, isKnown }: Startup, shielded: Startup): Startup {
  const isSame = steps.length === shielded.steps.length
  return {
    isKnown,
    steps: steps.map((step, i) => ({ ...step, written: isSame ? writtenOf(shielded.steps[i]!) : undefined })),
  }
}

function writtenOf({ sources, isLine }: Step): string | undefined {
  return isLine ? sources.join(' ') : undefined
}
