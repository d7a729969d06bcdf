// `/metrics`: what the gate has done, as Prometheus reads it.

import type { Gate } from '../../gate/gate.ts'
import type { GateState } from '../../gate/status.ts'
import type { Connections } from './http-server.ts'
import type { Ready } from './ready.ts'
import type { WaitingRoom } from './waiting-room.ts'

const STATES = [
  'open',
  'unreachable',
  'unmigrated',
  'foreign',
  'behind',
  'diverged',
  'too-old',
  'migrating',
] as const satisfies readonly GateState[]

interface Sources {
  readonly gate: Gate
  readonly ready: Ready
  readonly room: WaitingRoom
  readonly connections: Connections
  /** People who watch the page. */
  readonly watchers: () => number
  readonly version: string
}

/** Counts from its creation on; `text` is in the format of version 0.0.4. */
export class Metrics {
  readonly #sources: Sources
  readonly #changes = new Map<GateState, number>()
  #closedMs = 0
  #closedSince: number | undefined = performance.now()

  constructor(sources: Sources) {
    this.#sources = sources
    sources.gate.on('change', ({ state }, previous) => {
      if (state === previous.state) return
      this.#changes.set(state, (this.#changes.get(state) ?? 0) + 1)
      this.#closedMs = this.#closedFor
      this.#closedSince = state === 'open' ? undefined : performance.now()
    })
  }

  get #closedFor(): number {
    return this.#closedMs + (this.#closedSince === undefined ? 0 : performance.now() - this.#closedSince)
  }

  /** The text, in version 0.0.4 of the format. */
  text(): string {
    const { gate, ready, room, connections, watchers, version } = this.#sources
    const { state, head } = gate.status
    const cpu = process.cpuUsage()
    return [
      metric('schemagate_gate_open', 'gauge', '1 while the gate is open', [[gate.isOpen ? 1 : 0]]),
      metric(
        'schemagate_gate_state',
        'gauge',
        '1 for the state that the gate is in',
        STATES.map(name => [name === state ? 1 : 0, { state: name }]),
      ),
      metric(
        'schemagate_gate_changes_total',
        'counter',
        'Changes to each state',
        STATES.map(name => [this.#changes.get(name) ?? 0, { state: name }]),
      ),
      metric('schemagate_gate_closed_seconds_total', 'counter', 'Time for which the gate was closed', [
        [seconds(this.#closedFor)],
      ]),
      metric('schemagate_gate_info', 'gauge', 'The newest migration of the app, and the version', [
        [1, { head: head ?? '', version }],
      ]),
      metric('schemagate_gate_ready_answers_total', 'counter', 'Answers of /ready', [
        [ready.answers[200], { code: '200' }],
        [ready.answers[503], { code: '503' }],
      ]),
      metric('schemagate_gate_held', 'gauge', 'Answers of /ready that wait for the gate to open', [[room.size]]),
      metric(
        'schemagate_gate_held_total',
        'counter',
        'Answers that have waited, by what ended the wait',
        Object.entries(room.ended).map(([outcome, count]) => [count, { outcome }]),
      ),
      metric('schemagate_gate_shed_total', 'counter', 'Answers that were refused at once because too many waited', [
        [room.shed],
      ]),
      metric('schemagate_gate_longest_hold_seconds', 'gauge', 'The longest wait that ended with an open gate', [
        [seconds(room.longest)],
      ]),
      metric('schemagate_gate_connections', 'gauge', 'Open connections of clients', [[connections.open]]),
      metric('schemagate_gate_connections_refused_total', 'counter', 'Connections beyond the limit', [
        [connections.refused],
      ]),
      metric('schemagate_gate_page_watchers', 'gauge', 'Browsers that watch the page', [[watchers()]]),
      metric('process_cpu_seconds_total', 'counter', 'Processor time', [[seconds((cpu.user + cpu.system) / 1_000)]]),
      metric('process_resident_memory_bytes', 'gauge', 'Resident memory', [[process.memoryUsage.rss()]]),
      metric('process_start_time_seconds', 'gauge', 'Start, in seconds since 1970', [
        [seconds(performance.timeOrigin)],
      ]),
      '',
    ].join('\n')
  }
}

type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>]

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([value, labels = {}]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function seconds(ms: number): number {
  return Math.round(ms) / 1_000
}
