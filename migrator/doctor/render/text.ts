// Findings for a person: errors first, a reason and a way out once for each rule.

import { styleText } from 'node:util'
import { escapeControls } from '../../text/escape-controls.ts'
import { wrap } from '../../text/wrap.ts'
import type { Diagnosis, Finding } from '../diagnose.ts'

export interface TextOptions {
  readonly color: boolean
  /** Columns. */
  readonly width: number
  /** Shows notes, too. */
  readonly all: boolean
}

const colors = { error: 'red', warning: 'yellow', note: 'cyan' } as const

/** Wrapped at `width` columns, with colours if `color`; notes are left out unless `all` are wanted. */
export function renderText(diagnosis: Diagnosis, { color, width, all }: TextOptions): string {
  const { findings, silenced, notes, stack } = diagnosis
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text
  const lines: string[] = notes.flatMap(note => wrap(`Note: ${escapeControls(note)}`, width, ''))
  if (notes.length > 0) lines.push('')
  const explained = new Set<string>()
  for (const { rule, service, place, severity, what } of findings) {
    if (!all && severity === 'note') continue
    const head = [paint([colors[severity], 'bold'], severity), paint('bold', rule.id)]
    if (service !== undefined) head.push(escapeControls(service))
    lines.push(`${head.join(' ')}  ${escapeControls(place.file)}:${place.line}`)
    lines.push(...wrap(escapeControls(what), width, '  '))
    if (!explained.has(rule.id)) {
      lines.push(...wrap(`Why: ${rule.why}`, width, '  ').map(line => paint('dim', line)))
      lines.push(...wrap(`Fix: ${rule.fix}`, width, '  '))
    }
    explained.add(rule.id)
    lines.push('')
  }
  const files = stack.compose.files.map(escapeControls).join(', ')
  return [...lines, summary(findings, silenced.length, all), `Read by ${stack.compose.readBy}: ${files}.`].join('\n')
}

function summary(findings: readonly Finding[], silenced: number, all: boolean): string {
  const count = (severity: Finding['severity']) => findings.filter(one => one.severity === severity).length
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')]
  const parts = [plural(errors, 'error'), plural(warnings, 'warning'), ...(all ? [plural(notes, 'note')] : [])]
  const more = !all && notes > 0 ? ` ${plural(notes, 'note')} with --all.` : ''
  return `${parts.join(', ')}.${more}${silenced > 0 ? ` ${silenced} silenced by a comment.` : ''}`
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
