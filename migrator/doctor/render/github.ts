// Findings as the workflow commands by which GitHub shows them beside the line.

import { escapeControls } from '../../text/escape-controls.ts'
import type { Diagnosis } from '../diagnose.ts'

const commands = { error: 'error', warning: 'warning', note: 'notice' } as const

/** One `::error`, `::warning` or `::notice` a finding; notes are left out unless `all` are wanted. */
export function renderGithub({ findings, notes }: Diagnosis, all: boolean): string {
  const shown = findings.filter(({ severity }) => all || severity !== 'note')
  return [
    ...notes.map(note => `::notice::${data(note)}`),
    ...shown.map(({ severity, rule, place, what }) => {
      const properties = `file=${property(place.file)},line=${place.line},col=${place.column},title=${property(rule.id)}`
      return `::${commands[severity]} ${properties}::${data(`${what} ${rule.fix}`)}`
    }),
  ].join('\n')
}

/** What ends a line or a property is sent as its code, and a terminal has nothing to obey in the log. */
function data(text: string): string {
  return escapeControls(text).replaceAll('%', '%25').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
