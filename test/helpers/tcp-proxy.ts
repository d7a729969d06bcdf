// A proxy in front of Postgres that sees each message of a client, and can cut, stall or delay the connection there.

import { createServer, connect as dial, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type ClientMessage, ClientReader, ServerReader } from './wire.ts'

/**
 * What to do with a message:
 * - `forward` it;
 * - `cut-before`: the server never gets it, and the connection is gone for both;
 * - `cut-after`: the server gets it, the client never hears again;
 * - `cut-after-answer`: the server gets it and answers it in full, but the answer never reaches the client: committed,
 *   not acknowledged.
 */
export type Verdict = 'forward' | 'cut-before' | 'cut-after' | 'cut-after-answer'

export interface ProxyOptions {
  /** Asked for each message of a client before it goes on, one at a time for each connection. */
  readonly onMessage?: (message: ClientMessage) => Verdict | undefined | Promise<Verdict | undefined>
}

export interface TcpProxy {
  readonly port: number
  /** The same connection string, through the proxy. */
  url(direct: string): string
  /** Every message so far, in the order in which they came. */
  readonly messages: readonly ClientMessage[]
  /** How many connections were made, and how many of them are open. */
  readonly connections: { readonly made: number; readonly open: number }
  /** Gives the verdict for the n-th message from now on, counting over all connections from the proxy's start. */
  cutAt(index: number, verdict: Exclude<Verdict, 'forward'>): void
  /** Cuts all connections now. */
  cut(): void
  /** Nothing passes in either direction until `resume()`: what a dead network looks like. */
  pause(): void
  resume(): void
  /** Every message and answer from now on is held for so many milliseconds. */
  delay(ms: number): void
  /** New connections are closed at once. */
  refuse(yes: boolean): void
  close(): Promise<void>
}

/** Starts a proxy on 127.0.0.1 in front of the server of `target`, a connection string; closed after the test. */
export async function tcpProxy(target: string, options: ProxyOptions = {}): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const messages: ClientMessage[] = []
  const cuts = new Map<number, Verdict>()
  const open = new Set<() => void>()
  let made = 0
  let held = 0
  let refusing = false
  let paused: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  const passage = async () => {
    while (paused) await paused.promise
    if (held > 0) await new Promise(resolve => setTimeout(resolve, held))
  }

  const server = createServer({ noDelay: true }, client => {
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    const connection = ++made
    const upstream = dial({ host: hostname, port: Number(targetPort) || 5432, noDelay: true })
    const cut = () => {
      open.delete(cut)
      client.destroy()
      upstream.destroy()
    }
    open.add(cut)
    for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', cut)

    const fromClient = new ClientReader()
    const fromServer = new ServerReader()
    const answers = new Answers()
    inOrder(client, async chunk => {
      for (const frame of fromClient.read(chunk)) {
        const message = { ...frame, index: messages.length + 1, connection }
        messages.push(message)
        await passage()
        const verdict = cuts.get(message.index) ?? (await options.onMessage?.(message)) ?? 'forward'
        if (verdict === 'cut-before') return cut()
        if (message.type === 'ssl' || message.type === 'gss') fromServer.bare++
        answers.asked(message.type)
        if (verdict === 'cut-after-answer') answers.loseFrom(message.type, cut)
        await new Promise<void>(resolve => upstream.write(message.bytes, () => resolve()))
        if (verdict === 'cut-after') return cut()
      }
    })
    inOrder(upstream, async chunk => {
      await passage()
      for (const type of fromServer.read(chunk)) answers.given(type)
      if (!answers.losing) client.write(chunk)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  const proxy: TcpProxy = {
    port,
    url: direct => {
      const url = new URL(direct)
      url.host = `127.0.0.1:${port}`
      return url.href
    },
    messages,
    connections: {
      get made() {
        return made
      },
      get open() {
        return open.size
      },
    },
    cutAt: (index, verdict) => cuts.set(index, verdict),
    cut: () => {
      for (const cut of open) cut()
    },
    pause: () => {
      paused ??= Promise.withResolvers<void>()
    },
    resume: () => {
      paused?.resolve()
      paused = undefined
    },
    delay: ms => {
      held = ms
    },
    refuse: yes => {
      refusing = yes
    },
    close: async () => {
      proxy.cut()
      proxy.resume()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
  onTestFinished(() => proxy.close())
  return proxy
}

/** Which questions of a connection the server has answered. */
class Answers {
  #asked = 0
  #given = 0
  #end: { readonly at: number; readonly then: () => void } | undefined
  #handshake = false

  get losing(): boolean {
    return this.#end !== undefined
  }

  /**
   * Each of these ends in one ReadyForQuery; the messages before a sync are answered with it. A COPY is answered with
   * CopyInResponse, and the end of its data with ReadyForQuery.
   */
  asked(type: string): void {
    if (type === 'Q' || type === 'S' || type === 'F' || type === 'c' || type === 'startup') this.#asked++
  }

  given(type: string): void {
    if (type === 'Z' || type === 'G') this.#given++
    if (this.#end && (this.#handshake || this.#given >= this.#end.at)) this.#end.then()
  }

  /** From now on answers are lost, and `then` is called when the message just asked has been answered in full. */
  loseFrom(type: string, then: () => void): void {
    const whole = type === 'Q' || type === 'S' || type === 'F' || type === 'c'
    this.#handshake = type === 'p' || type === 'startup' || type === 'ssl' || type === 'gss'
    this.#end = { at: whole ? this.#asked : this.#asked + 1, then }
  }
}

/** Handles a socket's chunks one after the other, also where handling one takes a while. */
function inOrder(socket: Socket, handle: (chunk: Buffer) => Promise<void>): void {
  let last = Promise.resolve()
  socket.on('data', (chunk: Buffer) => {
    last = last.then(() => (socket.destroyed ? undefined : handle(chunk)))
    // A hook that fails is the test's own bug: end the connection, so that the test fails rather than hangs.
    last.catch(error => socket.destroy(error instanceof Error ? error : undefined))
  })
}
