// The verb: findings in the form that is asked for, an overlay with --fix, a trial with --try.

import { join, relative, resolve } from 'node:path'
import { type ExitCode, exitCodes } from '../errors.ts'
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from './diagnose.ts'
import { makeOverlay, overlayNameOf, writeOverlay } from './overlay/fix.ts'
import { shownOverlay } from './overlay/shown.ts'
import { renderGithub } from './render/github.ts'
import { renderJson } from './render/json.ts'
import { renderSarif } from './render/sarif.ts'
import { renderText } from './render/text.ts'

export interface DoctorOptions {
  readonly files: readonly string[]
  readonly format: 'text' | 'json' | 'sarif' | 'github'
  readonly all: boolean
  readonly fix: boolean
  /** Tries the stack with a migration that fails. */
  readonly trial: boolean
  readonly signal: AbortSignal
  readonly color: boolean
  readonly width: number
  readonly diagnose: DiagnoseOptions
  /** Writes a result, with a newline. */
  readonly print: (text: string) => void
  /** Writes what is no result. */
  readonly say: (text: string) => void
}

/** @throws UsageError where a file is no compose file; RefusedError where an overlay of somebody else is in the way */
export async function doctor(options: DoctorOptions): Promise<ExitCode> {
  const diagnosis = await diagnose(options.files, options.diagnose)
  const text = render(diagnosis, options)
  if (text !== '') options.print(text)
  const errors = diagnosis.findings.filter(({ severity }) => severity === 'error')
  if (options.trial) return tryOut(diagnosis, options)
  if (!options.fix) return errors.length > 0 ? exitCodes.notReady : exitCodes.done
  const { compose } = diagnosis.stack
  const name = overlayNameOf(compose, options.diagnose.cwd)
  const below = await withoutOwn(diagnosis, name, options)
  const { text: overlay, result } = await makeOverlay(below, options.diagnose, [], { by: 'doctor --fix', name })
  if (overlay === '') options.say('There is nothing that an overlay can put right.')
  else options.say(`${writeOverlay(compose, name, overlay)}:\n\n${shownOverlay(overlay)}`)
  const remaining = result.findings.filter(({ severity }) => severity !== 'note')
  if (remaining.length > 0) options.say('What is left, and cannot be put right by an overlay:')
  for (const { rule, service, what } of remaining)
    options.say(`  ${rule.severity} ${rule.id} ${service ?? ''}: ${what}`)
  return remaining.some(({ severity }) => severity === 'error') ? exitCodes.notReady : exitCodes.done
}

/** The stack without the overlay that is written again: that has to say all that it said before, too. */
async function withoutOwn(
  diagnosis: Diagnosis,
  name: string,
  { diagnose: options }: DoctorOptions,
): Promise<Diagnosis> {
  const { compose } = diagnosis.stack
  const files = compose.files.filter(file => resolve(options.cwd, file) !== join(compose.directory, name))
  return files.length === compose.files.length || files.length === 0 ? diagnosis : diagnose(files, options)
}

/** What runs although no migration could succeed, one line a service. */
async function tryOut({ stack }: Diagnosis, { signal, say, diagnose: { env } }: DoctorOptions): Promise<ExitCode> {
  const { trial } = await import('./trial/trial.ts')
  const outcomes = await trial(stack, { env, signal, say })
  for (const { service, state, detail } of outcomes) {
    const isWell = state === 'not started' || state === 'ended' || state === 'refuses'
    say(`${isWell ? 'well' : 'BAD '} ${service}: ${state}${detail === '' ? '' : `, ${detail}`}`)
  }
  const served = outcomes.some(({ state }) => state === 'runs' || state === 'answers')
  say(served ? 'Services run on a database that no migration has reached.' : 'Nothing runs on an unmigrated database.')
  return served ? exitCodes.notReady : exitCodes.done
}

function render(diagnosis: Diagnosis, options: DoctorOptions): string {
  const { format, all, color, width } = options
  switch (format) {
    case 'json':
      return renderJson(diagnosis, all)
    case 'sarif':
      return renderSarif(fromRepository(diagnosis, options), all)
    case 'github':
      return renderGithub(fromRepository(diagnosis, options), all)
    default:
      return renderText(diagnosis, { color, width, all })
  }
}

/** In a workflow, code scanning and annotations count a file's path from the repository's root. */
function fromRepository(diagnosis: Diagnosis, { diagnose: { cwd, env } }: DoctorOptions): Diagnosis {
  const root = env.GITHUB_WORKSPACE
  if (!root) return diagnosis
  const moved = (finding: Finding): Finding => {
    const { file } = finding.place
    const path = relative(root, resolve(cwd, file))
    return file === '-' || path.startsWith('..') ? finding : { ...finding, place: { ...finding.place, file: path } }
  }
  return { ...diagnosis, findings: diagnosis.findings.map(moved), silenced: diagnosis.silenced.map(moved) }
}
