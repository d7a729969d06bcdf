// An adoption for people: a table of the migrations, what is in the way, and what comes next.

import type { AdoptionRow, AdoptionStatus, ChecksumVerdict } from '../adopt/plan.ts'
import { escapeLine } from '../text/escape-controls.ts'
import type { AdoptResult } from '../verbs/adopt.ts'

const statusTexts: Readonly<Record<AdoptionStatus, string>> = {
  adopt: 'adopt',
  recorded: 'recorded',
  pending: 'pending',
  missing: 'NO FILE',
  'out-of-order': 'NOT APPLIED',
  reverted: 'TAKEN BACK',
  edited: 'EDITED',
  forgotten: 'forgotten',
}

const checksumTexts: Readonly<Record<ChecksumVerdict, string>> = {
  same: 'same',
  differs: 'differs',
  unknown: 'unknown',
  none: '-',
}

/** Many lines, without a newline at the end. */
export function renderAdoption(result: AdoptResult): string {
  const { title, history, rows, recorded, pending, problems, keepHistory, dryRun } = result
  const isDone = recorded.length === 0 && problems.length === 0
  const lines = [`${title}  ${history}`, '', ...table(rows), '', counts(rows)]
  if (problems.length > 0) lines.push('', ...problems.map(({ code, message }) => `  ${code}: ${message}`))
  lines.push('')
  if (problems.length > 0) lines.push('Nothing can be recorded until that is settled.')
  else if (isDone) lines.push('Nothing to record: the ledger has all of it.')
  else if (dryRun)
    lines.push(
      `${migrations(recorded.length)} would be recorded; nothing was changed. To record: the same command without --dry-run`,
    )
  else lines.push(`Recorded ${migrations(recorded.length)}; none was run.`)
  if (problems.length === 0 && !dryRun) {
    lines.push(`Switch ${title} off where the app starts it.${keepHistory ? ` Its rows in ${history} are kept.` : ''}`)
    if (pending.length > 0) lines.push(`${migrations(pending.length)} pending: schemagate up`)
  }
  return lines.join('\n')
}

function table(rows: readonly AdoptionRow[]): string[] {
  const cells = rows.map(row => [
    escapeLine(row.name),
    row.accepted ? 'adopt (edited)' : statusTexts[row.status],
    checksumTexts[row.checksum],
    row.appliedAt?.replace(/\.\d+Z$/, 'Z') ?? '-',
    row.appliedBy ?? '',
  ])
  const all = [['MIGRATION', 'STATUS', 'CHECKSUM', 'APPLIED AT', ''], ...cells]
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => row[column]!.length)))
  return all.map(row => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
}

/** `13 whose checksum matches, 2 without a checksum`: what the comparison is worth. */
function counts(rows: readonly AdoptionRow[]): string {
  const taken = rows.filter(({ status }) => status === 'adopt' || status === 'recorded')
  const count = (verdict: ChecksumVerdict) => taken.filter(({ checksum }) => checksum === verdict).length
  const parts = [
    [count('same'), 'whose checksum matches'],
    [count('differs'), 'whose checksum differs'],
    [count('unknown'), 'whose checksum proves nothing'],
    [count('none'), 'without a checksum'],
  ] as const
  const texts = parts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : []))
  return `${migrations(taken.length)} applied${texts.length > 0 ? `: ${texts.join(', ')}` : ''}`
}

function migrations(count: number): string {
  return `${count} ${count === 1 ? 'migration' : 'migrations'}`
}
