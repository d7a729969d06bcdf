// `/ready`: 200 while the gate is open, from memory; a proxy's question may wait for it to open.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../../gate/gate.ts'
import type { Manifest } from '../../gate/protocol/manifest.ts'
import { afterLook } from '../../gate/requests/after-look.ts'
import { type GateStatus, unreachable } from '../../gate/status.ts'
import { STATE_HEADER, send, sendClosed } from './answers.ts'
import type { LetThrough } from './let-through.ts'
import type { WaitEnd, WaitingRoom } from './waiting-room.ts'

/**
 * With these a proxy says which request it asks for: Caddy, Traefik and our HAProxy send the first, nginx by custom the
 * others. A health check has none of them, and so it never waits.
 */
const FORWARDED = ['x-forwarded-uri', 'x-original-uri', 'x-original-url'] as const

/** Decides each question of a proxy or a health check, and counts the answers. */
export class Ready {
  /** Answers by status code. */
  readonly answers = { 200: 0, 503: 0 }
  readonly #gate: Gate
  readonly #letThrough: LetThrough
  readonly #room: WaitingRoom
  readonly #open: string
  readonly #stopping: GateStatus
  #isStopped = false

  constructor(gate: Gate, manifest: Manifest, letThrough: LetThrough, room: WaitingRoom) {
    this.#gate = gate
    this.#letThrough = letThrough
    this.#room = room
    this.#open = JSON.stringify({ state: 'open', head: manifest.head })
    this.#stopping = unreachable(manifest, undefined, 'The gate is being stopped.')
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const answerClosed = () => {
      if (!this.#waits(request, response)) this.#no(request, response)
    }
    if (this.#mayPass()) this.#yes(request, response)
    else afterLook(this.#gate, () => this.answer(request, response), answerClosed)
  }

  /** Answers 503 from now on, to those that wait as well. */
  stop(): void {
    this.#isStopped = true
    this.#room.close()
  }

  #mayPass(): boolean {
    return !this.#isStopped && this.#letThrough.admit()
  }

  #waits(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#isStopped || !FORWARDED.some(name => request.headers[name] !== undefined)) return false
    const leave = this.#room.enter(how => this.#afterWait(how, request, response))
    if (leave) response.once('close', leave)
    return leave !== undefined
  }

  /** Asks again: the gate may have closed since it opened. */
  #afterWait(how: WaitEnd, request: IncomingMessage, response: ServerResponse): void {
    if (how === 'gone') return
    if (this.#mayPass()) this.#yes(request, response)
    else this.#no(request, response)
  }

  #yes(request: IncomingMessage, response: ServerResponse): void {
    this.answers[200]++
    send(request, response, 200, { 'content-type': 'application/json', [STATE_HEADER]: 'open' }, this.#open)
  }

  #no(request: IncomingMessage, response: ServerResponse): void {
    this.answers[503]++
    sendClosed(request, response, this.#isStopped ? this.#stopping : this.#gate.status)
  }
}
