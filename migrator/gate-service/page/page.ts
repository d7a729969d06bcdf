// The page: `/` and `/events`, answered from memory.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate } from '../../../gate/gate.ts'
import type { Target } from '../../../gate/postgres/target.ts'
import type { Manifest } from '../../../gate/protocol/manifest.ts'
import { send, sendProblem } from '../answers.ts'
import type { Ready } from '../ready.ts'
import type { WaitingRoom } from '../waiting-room.ts'
import { document, pageHeaders } from './document.ts'
import { Events } from './events.ts'
import type { Html } from './html.ts'
import { Observer } from './observer.ts'
import { type SectionName, sections } from './sections.ts'

export interface PageSources {
  readonly gate: Gate
  readonly manifest: Manifest
  readonly connection: Target
  readonly schema: string
  readonly ready: Ready
  readonly room: WaitingRoom
  readonly version: string
}

/** Answers both paths, and keeps what they show up to date. */
export class Page {
  readonly #sources: PageSources
  readonly #events = new Events()
  readonly #observer: Observer
  #since = new Date()

  constructor(sources: PageSources) {
    const { gate, connection, schema } = sources
    this.#sources = sources
    const update = () => this.#events.update(this.#sections())
    this.#observer = new Observer(gate, connection, schema, () => this.watchers > 0, update)
    gate.on('change', ({ state }, previous) => {
      if (state !== previous.state) this.#since = new Date()
      if (this.watchers > 0) update()
    })
  }

  get watchers(): number {
    return this.#events.watchers
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#observer.look()
    const text = document(this.#sections(), this.#sources.gate.isOpen, this.#sources.version)
    send(request, response, 200, pageHeaders, text)
  }

  answerEvents(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'HEAD') send(request, response, 200, { 'content-type': 'text/event-stream' }, '')
    else if (this.#events.add(response, this.#sections())) void this.#observer.look()
    else
      sendProblem(request, response, 503, 'Service Unavailable', 'Too many browsers watch the page already.', {
        'retry-after': '60',
      })
  }

  async close(): Promise<void> {
    this.#events.close()
    await this.#observer.close()
  }

  #sections(): Readonly<Record<SectionName, Html>> {
    const { gate, manifest, ready, room } = this.#sources
    return sections({
      manifest,
      status: gate.status,
      since: this.#since,
      letThrough: ready.answers[200],
      refused: ready.answers[503],
      waiting: room.size,
      overview: this.#observer.overview,
    })
  }
}
