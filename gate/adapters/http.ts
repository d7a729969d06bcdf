// The gate before a server of node:http: before one listener, or before whatever listens.

import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { afterLookOn } from '../requests/after-look.ts'
import { requestsInside } from '../requests/requests-inside.ts'
import { type GateMiddlewareOptions, gateMiddleware } from './express.ts'
import { gateUpgrade } from './upgrade.ts'

/**
 * A request listener that passes on what the gate lets in, and answers 503 to everything else but exempt paths:
 * `createServer(gateListener(gate, listener))`.
 */
export function gateListener(gate: Gate, listener: RequestListener, options?: GateMiddlewareOptions): RequestListener {
  const enter = gateMiddleware(gate, options)
  return (request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) =>
    enter(request, response, () => listener(request, response))
}

/** One that says `Expect` goes to a listener of its own. */
const events = new Set(['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect'])

/** The listener by which Node makes requests and responses of streams: these come to the events above. */
const MAKES_REQUESTS = 'bound onServerStream'

/**
 * The gate before everything that listens to a server, now or later: libraries that take a server (ws, socket.io) put their
 * listeners beside a framework's, where its middleware sees nothing of them. Requests are as behind `gateListener`,
 * connections that are upgraded as behind `gateUpgrade`. So are listeners for HTTP/2's `stream`, but those of a session
 * (`session.on('stream')`) are not behind it. Returns the server.
 *
 * With `http.Server.prototype` it stands before all servers of the process, those of `https` as well: for a framework that
 * makes its server itself. One of HTTP/2 is guarded by itself.
 */
export function guardServer<Guarded extends Pick<Server, 'emit' | 'listenerCount' | 'listeners'>>(
  gate: Gate,
  server: Guarded,
  options?: GateMiddlewareOptions,
): Guarded {
  standBefore(gate, server, options)
  // Node's have no prototype in common, Bun's do
  const tls = TlsServer.prototype
  if (Object.is(server, Server.prototype) && tls.emit !== server.emit) standBefore(gate, tls, options)
  return server
}

function standBefore(
  gate: Gate,
  server: Pick<Server, 'emit' | 'listenerCount' | 'listeners'>,
  options: GateMiddlewareOptions | undefined,
): void {
  const enter = gateMiddleware(gate, options)
  const enterStream = gateStream(gate, options)
  /** Streams that have passed the gate: requests that are made of them have. */
  const passed = new WeakSet<object>()
  const { emit }: { emit(event: string, ...values: unknown[]): boolean } = server
  server.emit = function (this: typeof server, event: string, ...values: unknown[]) {
    const passOn = () => emit.call(this, event, ...values)
    if (event === 'stream' && this.listeners(event).some(({ name }) => name !== MAKES_REQUESTS)) {
      const [stream, headers] = values as [ServerHttp2Stream, IncomingHttpHeaders]
      enterStream(stream, headers, () => {
        passed.add(stream)
        passOn()
      })
      return true
    }
    // a server of HTTP/2 answers CONNECT itself where nothing listens for it
    if (!events.has(event) || (event === 'connect' && this.listenerCount(event) === 0)) return passOn()
    // with its response comes a request, CONNECT over HTTP/2 as well; with a socket and what has come what leaves HTTP
    const [request, other, head] = values as [
      IncomingMessage & { readonly stream?: ServerHttp2Stream },
      ServerResponse & Duplex,
      Buffer?,
    ]
    if (request.stream && passed.has(request.stream)) return passOn()
    if (head === undefined) enter(request, other, passOn)
    else gateUpgrade(gate, passOn)(request, other, head)
    return true
  }
}

/** As {@link gateMiddleware}, for streams of HTTP/2. */
function gateStream(gate: Gate, options: GateMiddlewareOptions = {}) {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  const inside = requestsInside(gate)
  const decide = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, passOn: () => void) => {
    if (gate.enter()) {
      inside.add(stream)
      passOn()
    } else if (exempt.has(pathOf(headers[':path']))) {
      passOn()
    } else {
      afterLookOn(
        gate,
        stream,
        () => decide(stream, headers, passOn),
        () => refuseStream(gate, stream, headers),
      )
    }
  }
  return decide
}

function refuseStream(gate: Gate, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (stream.closed || stream.destroyed) return
  stream.respond({ ':status': 503, ...PROBLEM_HEADERS })
  stream.end(headers[':method'] === 'HEAD' ? undefined : JSON.stringify(problem(gate.status)))
  // a body that is not read would keep the stream open
  stream.resume()
}
