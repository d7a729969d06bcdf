// Findings for a program.

import { escapeInJson } from '../../text/escape-controls.ts'
import type { Diagnosis, Finding } from '../diagnose.ts'

/** One object: how it was read, and every finding that is shown. */
export function renderJson({ findings, silenced, notes, stack }: Diagnosis, all: boolean): string {
  const { compose } = stack
  const shown = findings.filter(({ severity }) => all || severity !== 'note')
  const count = (severity: Finding['severity']) => findings.filter(one => one.severity === severity).length
  const counts = { error: count('error'), warning: count('warning'), note: count('note'), silenced: silenced.length }
  return escapeInJson(
    JSON.stringify(
      {
        files: compose.files,
        readBy: compose.readBy,
        counts,
        findings: shown.map(toJson),
        silenced: silenced.map(toJson),
        notes,
      },
      null,
      2,
    ),
  )
}

function toJson({ rule, severity, service, place, what }: Finding) {
  return { rule: rule.id, severity, service: service ?? null, ...place, what, why: rule.why, fix: rule.fix }
}
