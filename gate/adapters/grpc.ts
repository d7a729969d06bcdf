// The gate as an interceptor for servers of @grpc/grpc-js, which take their calls past node:http.

import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js'
import type { Gate } from '../gate.ts'
import { afterLook } from '../requests/after-look.ts'
import { type Staying, staysIn } from '../requests/stays.ts'
import type { GateMiddlewareOptions } from './express.ts'

/** A code of gRPC's: the client may try again. */
const UNAVAILABLE = 14

/** Answered also while the gate is closed: gRPC's own health checks. */
const HEALTH = ['Check', 'Watch', 'List'].map(name => `/grpc.health.v1.Health/${name}`)

/** After its client has cancelled it, a call counts until its handler answers, for this long at most: it may never answer. */
const ABANDONED_FOR = 10_000

/** What is used of a call. */
interface Call {
  sendStatus(status: { readonly code: number; readonly details: string }): void
}

/**
 * An interceptor that passes on what the gate lets in, and ends everything else with the status `UNAVAILABLE`, but gRPC's
 * own health checks: `new Server({ interceptors: [gateInterceptor(gate, ServerInterceptingCall)] })`. Give it first. `exempt`
 * names other methods by their paths, such as `/shop.Orders/Ping`. A call counts as inside until its status was sent. A
 * stream that is still open ten seconds after the gate has closed is ended, as is a call whose message has not come, and any
 * call at once when the ledger is taken away.
 * @param Intercepting the class of that name in @grpc/grpc-js.
 */
export function gateInterceptor(
  gate: Gate,
  Intercepting: typeof ServerInterceptingCall,
  options: GateMiddlewareOptions = {},
): ServerInterceptor {
  const exempt = new Set(options.exempt ?? HEALTH)
  const stays = staysIn(gate)
  return (method, call) => {
    if (exempt.has(method.path)) return new Intercepting(call)
    let stay: Stay | undefined
    let isCancelled = false
    const enter = (go: () => void) => {
      if (isCancelled) return
      if (gate.enter()) {
        stay = new Stay(gate, stays, call)
        go()
      } else {
        afterLook(
          gate,
          () => enter(go),
          () => refuse(gate, call),
        )
      }
    }
    return new Intercepting(call, {
      start: next =>
        next({
          onReceiveMetadata: (metadata, pass) => enter(() => pass(metadata)),
          onReceiveHalfClose(pass) {
            // its handler is called now, and ends by itself
            if (stay && !method.requestStream && !method.responseStream) stay.isUnfinished = false
            pass()
          },
          // comes after the status as well
          onCancel() {
            isCancelled = true
            stay?.abandon()
          },
        }),
      sendMessage(message, pass) {
        if (stay?.isCut) return
        // the only one; no status follows it to a client that has gone
        if (isCancelled && !method.responseStream) stay?.leave()
        pass(message)
      },
      sendStatus(status, pass) {
        if (stay?.isCut) return
        stay?.leave()
        pass(status)
      },
    })
  }
}

function refuse(gate: Gate, call: Call): void {
  call.sendStatus({ code: UNAVAILABLE, details: gate.detail })
}

/** One call's stay. */
class Stay implements Staying {
  isCut = false
  /** A stream, in either direction, or a call whose message has not come. */
  isUnfinished = true
  readonly #gate: Gate
  readonly #others: Set<Staying>
  readonly #call: Call
  #timer: NodeJS.Timeout | undefined

  constructor(gate: Gate, others: Set<Staying>, call: Call) {
    this.#gate = gate
    this.#others = others
    this.#call = call
    others.add(this)
  }

  leave(): void {
    if (!this.#others.delete(this)) return
    clearTimeout(this.#timer)
    this.#gate.leave()
  }

  /** Its client has gone, and its handler may be at work. */
  abandon(): void {
    if (this.#others.has(this)) this.#timer ??= setTimeout(() => this.leave(), ABANDONED_FOR).unref()
  }

  /** Ends the call; its handler is told that it is cancelled, and what it still sends is dropped. */
  cut(): void {
    this.isCut = true
    refuse(this.#gate, this.#call)
    this.leave()
  }
}
