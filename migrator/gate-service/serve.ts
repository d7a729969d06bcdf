// The gate as a service: for applications in any language, behind a proxy or a start condition that asks `/ready`.

import { createGate } from '../../gate/gate.ts'
import type { Target } from '../../gate/postgres/target.ts'
import type { Manifest } from '../../gate/protocol/manifest.ts'
import type { GateStatus } from '../../gate/status.ts'
import type { Log } from '../log.ts'
import { exportGate } from '../telemetry/gate.ts'
import { isTelemetryOn } from '../telemetry/otlp.ts'
import { version } from '../version.ts'
import { send } from './answers.ts'
import { createHttpServer } from './http-server.ts'
import { LetThrough } from './let-through.ts'
import { type ListenAddress, listen } from './listen.ts'
import { Metrics } from './metrics.ts'
import { Page } from './page/page.ts'
import { Ready } from './ready.ts'
import { Token } from './token.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface ServeOptions {
  /** The app role's connection. */
  readonly connection: Target
  readonly manifest: Manifest
  /** Where the ledger lives. */
  readonly schema: string
  readonly address: ListenAddress
  /** The longest that a proxy's question waits for the gate to open, in milliseconds; 0 for no wait. */
  readonly hold: number
  /** How long after its last 200 the gate counts as an app that is still inside, in milliseconds. */
  readonly drain: number
  /** Protects the page and the metrics. */
  readonly token: string | undefined
  readonly log: Log
  /** Ends it: questions are refused, and what was let through gets its time. */
  readonly signal: AbortSignal
}

/**
 * Serves until `signal` is aborted. The database may come and go: the process lives, and says so.
 * @throws UsageError if the address is taken, or is not this machine's.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { connection, manifest, schema, address, hold, drain, log, signal } = options
  const gate = createGate({ connection, manifest, schema })
  const logChange = (status: GateStatus, previous: GateStatus) => logGate(log, status, previous)
  try {
    gate.on('change', logChange)
    if (isTelemetryOn(process.env)) exportGate(gate, log)
    const letThrough = new LetThrough(gate, drain)
    const room = new WaitingRoom(gate, hold)
    const ready = new Ready(gate, manifest, letThrough, room)
    const page = new Page({ gate, manifest, connection, schema, ready, room, version })
    const { server, connections } = createHttpServer(
      {
        '/ready': { isPublic: true, answer: (request, response) => ready.answer(request, response) },
        '/live': { isPublic: true, answer: (request, response) => send(request, response, 200, plain, 'live\n') },
        '/': { answer: (request, response) => void page.answer(request, response) },
        '/events': { answer: (request, response) => page.answerEvents(request, response) },
        '/metrics': { answer: (request, response) => send(request, response, 200, prometheus, metrics.text()) },
      },
      options.token === undefined ? undefined : new Token(options.token),
    )
    const metrics = new Metrics({ gate, ready, room, connections, watchers: () => page.watchers, version })
    const url = await listen(server, address)
    log.info({ event: 'listening', url }, `listening on ${url}; the app's head is ${manifest.head}`)
    await aborted(signal)
    log.info({ event: 'stopping' }, 'stopping: /ready answers 503 until what was let through has had its time')
    ready.stop()
    await Promise.all([page.close(), letThrough.whenGone()])
    server.close()
    server.closeAllConnections()
  } finally {
    // its last change is no news: what ends the service is logged
    gate.off('change', logChange)
    await gate.close()
  }
}

const plain = { 'content-type': 'text/plain; charset=utf-8' }
const prometheus = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }

function logGate(log: Log, { state, detail, cause }: GateStatus, previous: GateStatus): void {
  const fields = { event: 'gate', state, previous: previous.state, ...(cause && { err: cause }) }
  if (state === 'open') log.info(fields, `open: ${detail}`)
  else log.warn(fields, `closed (${state}): ${detail}`)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
