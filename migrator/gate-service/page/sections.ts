// The page's sections, each made from what is in memory.

import { DRAINED, headHash, migratorName, parseAnnouncement } from '../../../gate/protocol/announcement.ts'
import { isFollowed, type Manifest } from '../../../gate/protocol/manifest.ts'
import type { GateStatus } from '../../../gate/status.ts'
import { formatDuration } from '../../text/durations.ts'
import { isoTime } from '../../text/iso-time.ts'
import { type Html, html } from './html.ts'
import {
  type AppliedRow,
  type DriftRow,
  notVerified,
  type Overview,
  type Part,
  type ReplicaRow,
  type RunRow,
  type SessionRow,
} from './overview.ts'

/** What the page shows. */
export interface Shown {
  readonly manifest: Manifest
  readonly status: GateStatus
  /** Since when the gate is in this state. */
  readonly since: Date
  readonly letThrough: number
  readonly refused: number
  readonly waiting: number
  readonly overview: Overview | undefined
}

/** Rows of a table that are shown; the rest is counted. */
const MOST_ROWS = 50

/** Each section's HTML by its name, in the page's order. */
export function sections(shown: Shown): Readonly<Record<SectionName, Html>> {
  const { overview } = shown
  const read = <Row>(part: (all: Overview) => Part<Row>): Part<Row> =>
    overview ? part(overview) : 'Not read: the database does not answer, or has not yet.'
  const ledger = read(all => all.ledger)
  return {
    state: state(shown),
    pending: pending(shown, ledger),
    applied: isFollowed(shown.manifest)
      ? note(`Another tool applies the migrations (${shown.manifest.follow.tool}), and has a history of its own.`)
      : applied(ledger),
    runs: runs(read(all => all.runs)),
    drift: drift(read(all => all.drift)),
    sessions: sessions(
      read(all => all.sessions),
      shown,
      ledger,
    ),
    replicas: replicas(read(all => all.replicas)),
  }
}

export const titles = {
  state: 'The gate',
  pending: 'Pending',
  applied: 'Applied',
  runs: 'Last runs',
  drift: 'Drift',
  sessions: 'Connected',
  replicas: 'Replicas',
} as const

export type SectionName = keyof typeof titles

function state({ status, since, letThrough, refused, waiting, manifest, overview }: Shown): Html {
  const isOpen = status.state === 'open'
  const fact = (name: string, value: Html | string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  const head = (name: string | null | undefined) => (name ? html`<code>${name}</code>` : 'none')
  return html`<div class="gate ${isOpen ? 'open' : 'closed'}" role="status">
<p class="word">${isOpen ? 'Open' : 'Closed'}${isOpen ? undefined : html` <span class="tag">${status.state}</span>`}</p>
<p class="detail">${status.detail}</p>
<p class="since">since ${time(since)}</p>
</div>
<dl class="facts">
${fact("The app's head", head(manifest.head))}
${fact("The database's head", status.database ? head(status.database.head) : 'unknown')}
${fact('Database', overview ? `${overview.database}, PostgreSQL ${overview.serverVersion.split(' ')[0]}` : 'unknown')}
${fact('Answers of /ready', html`${count(letThrough)} open, ${count(refused)} closed, ${count(waiting)} waiting`)}
</dl>`
}

function pending({ manifest, status }: Shown, ledger: Part<AppliedRow>): Html {
  const names = isFollowed(manifest) ? status.missing : missing(manifest, status, ledger)
  if (names === undefined) return note(typeof ledger === 'string' ? ledger : 'Nothing is known of it.')
  if (names.length === 0) return note('Nothing: the database has every migration of the app.')
  return html`<ol class="names">${names.slice(0, MOST_ROWS).map(name => html`<li><code>${name}</code></li>`)}</ol>${more(names.length)}`
}

/** Of the app's migrations those that are not applied; undefined while that is unknown. */
function missing(
  manifest: Manifest,
  { state: now }: GateStatus,
  ledger: Part<AppliedRow>,
): readonly string[] | undefined {
  const names = manifest.migrations.map(({ name }) => name)
  if (now === 'unmigrated' || now === 'foreign') return names
  if (typeof ledger === 'string') return undefined
  const done = new Set(ledger.filter(row => row.state === 'applied').map(({ name }) => name))
  return names.filter(name => !done.has(name))
}

function applied(ledger: Part<AppliedRow>): Html {
  if (typeof ledger === 'string') return note(ledger)
  if (ledger.length === 0) return note('Nothing yet.')
  const shown = ledger.slice(0, MOST_ROWS)
  const longest = Math.max(1, ...shown.map(({ durationMs }) => durationMs))
  return html`${table(
    ['Migration', 'When', 'How long', 'Kind'],
    shown.map(({ name, at, durationMs, kind, breaking, state: now, version }) => [
      html`<code>${name}</code>${now === 'running' ? html` <span class="tag warn">running</span>` : undefined}${breaking ? html` <span class="tag">breaking</span>` : undefined}`,
      time(at),
      html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${Math.max(1, Math.round((100 * durationMs) / longest))}" height="8" rx="1"/></svg>${formatDuration(durationMs)}`,
      html`${kind} <span class="quiet">${version}</span>`,
    ]),
  )}${more(ledger.length)}`
}

function runs(rows: Part<RunRow>): Html {
  if (typeof rows === 'string') return note(rows)
  if (rows.length === 0) return note('None that did or tried something.')
  return table(
    ['Run', 'When', 'How long', 'Outcome'],
    rows.map(({ command, at, endedAt, outcome, exitCode, applied: done, version }) => [
      html`<code>${command}</code> <span class="quiet">${version}</span>`,
      time(at),
      endedAt ? html`${formatDuration(Number(endedAt) - Number(at))}` : html`–`,
      html`<span class="tag ${exitCode === 0 ? 'good' : 'warn'}">${outcome}</span> ${done} ${done === 1 ? 'migration' : 'migrations'}${exitCode ? html`, exit code ${exitCode}` : undefined}`,
    ]),
  )
}

function drift(rows: Part<DriftRow>): Html {
  if (typeof rows === 'string') return note(rows)
  const [last] = rows
  if (last === undefined) return note(notVerified)
  const { at, differences } = last
  const what =
    differences === 0
      ? html`<span class="tag good">none</span>`
      : html`<span class="tag warn">${count(differences)} ${differences === 1 ? 'difference' : 'differences'}</span>`
  return html`<p>${what} from what the migrations make, when <code>schemagate verify</code> looked: ${time(at)}</p>`
}

function sessions(rows: Part<SessionRow>, { manifest }: Shown, ledger: Part<AppliedRow>): Html {
  if (typeof rows === 'string') return note(rows)
  if (rows.length === 0) return note('Neither an app nor a migrator.')
  const known = [...manifest.migrations, ...(typeof ledger === 'string' ? [] : ledger)].map(({ name }) => name)
  const byHash = new Map(known.map(name => [headHash(name), name]))
  return table(
    ['Who', 'Its release', 'Role', 'Since'],
    rows.map(({ name, role, since }) => [
      ...who(name, byHash, manifest.head),
      html`${role ?? '–'}`,
      since ? time(since) : html`–`,
    ]),
  )
}

function who(name: string, byHash: ReadonlyMap<string, string>, own: string | null): [Html, Html] {
  if (name.startsWith(migratorName)) return [html`migrator`, html`${name.slice(migratorName.length + 1)}`]
  if (name === DRAINED) return [html`app or gate`, html`<span class="quiet">drained: it serves nothing</span>`]
  const announced = parseAnnouncement(name)
  if (!announced) return [html`app or gate`, html`<span class="quiet">unknown</span>`]
  const head = byHash.get(announced.hash) ?? announced.head
  const isOwn = own !== null && announced.hash === headHash(own)
  return [
    html`app or gate`,
    html`<code>${head}</code>${isOwn ? html` <span class="quiet">this release</span>` : undefined}`,
  ]
}

function replicas(rows: Part<ReplicaRow>): Html {
  if (typeof rows === 'string') return note(rows)
  if (rows.length === 0) return note('None is connected.')
  if (rows.every(({ state: now }) => now === null))
    return note(`${rows.length} connected. How far they lag is shown only to members of pg_monitor.`)
  return table(
    ['Replica', 'State', 'Behind', 'Lag'],
    rows.map(({ name, state: now, lagBytes, lagMs }) => [
      html`<code>${name || 'unnamed'}</code>`,
      html`${now ?? '–'}`,
      html`${lagBytes === null ? '–' : `${count(Math.max(0, lagBytes))} bytes`}`,
      html`${lagMs === null ? '–' : formatDuration(Math.max(0, lagMs))}`,
    ]),
  )
}

/** On a narrow screen each cell stands under its head's text. */
function table(heads: readonly string[], rows: readonly (readonly Html[])[]): Html {
  return html`<table><thead><tr>${heads.map(head => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${row.map((cell, i) => html`<td data-head="${heads[i]}"><div>${cell}</div></td>`)}</tr>`)}</tbody></table>`
}

function note(text: string): Html {
  return html`<p class="note">${text}</p>`
}

function more(all: number): Html | undefined {
  return all > MOST_ROWS ? note(`${count(all - MOST_ROWS)} more are not shown.`) : undefined
}

function time(at: Date): Html {
  // `infinity` is a time in Postgres, and pg makes a number of it
  const iso = at instanceof Date ? isoTime(at) : null
  if (iso === null) return html`${String(at)}`
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time> <span class="quiet">UTC</span>`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
