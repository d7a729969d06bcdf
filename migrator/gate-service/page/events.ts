// The live part: server-sent events with the sections that have changed, to a bounded number of browsers.

import type { ServerResponse } from 'node:http'
import type { Html } from './html.ts'
import type { SectionName } from './sections.ts'

/** Browsers that watch at once. */
const MOST_WATCHERS = 50

/** Bytes that a browser may leave unread. */
const MOST_UNREAD = 1_000_000

/** Milliseconds: what is between may close a connection on which nothing is sent. */
const HEARTBEAT = 15_000

/** The browsers that are connected to `/events`. Each change is sent to all of them at once. */
export class Events {
  readonly #watchers = new Set<ServerResponse>()
  readonly #heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT).unref()
  #sent: Readonly<Record<string, string>> = {}

  get watchers(): number {
    return this.#watchers.size
  }

  /** Begins to answer, with all sections. False if too many watch. */
  add(response: ServerResponse, sections: Readonly<Record<SectionName, Html>>): boolean {
    if (this.#watchers.size >= MOST_WATCHERS) return false
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would keep the events back
      'x-accel-buffering': 'no',
    })
    response.write(event(textsOf(sections)))
    this.#watchers.add(response)
    response.once('close', () => this.#watchers.delete(response))
    return true
  }

  /** Sends those that are not as they were sent last. */
  update(sections: Readonly<Record<SectionName, Html>>): void {
    const texts = textsOf(sections)
    const changed = Object.entries(texts).filter(([name, text]) => this.#sent[name] !== text)
    this.#sent = texts
    if (changed.length > 0) this.#send(event(Object.fromEntries(changed)))
  }

  close(): void {
    clearInterval(this.#heartbeat)
    for (const watcher of this.#watchers) watcher.end()
  }

  #send(text: string): void {
    for (const watcher of this.#watchers) {
      if (watcher.writableLength > MOST_UNREAD) watcher.destroy()
      else watcher.write(text)
    }
  }
}

function textsOf(sections: Readonly<Record<SectionName, Html>>): Record<string, string> {
  return Object.fromEntries(Object.entries(sections).map(([name, { text }]) => [name, text]))
}

function event(sections: Readonly<Record<string, string>>): string {
  return `data: ${JSON.stringify(sections)}\n\n`
}
