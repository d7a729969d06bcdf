// The gate before handlers of the web's own kind, from Request to Response: Bun's, Deno's, and Hono's by its own file.

import type { Gate } from '../gate.ts'
import { DEFAULT_EXEMPT, PROBLEM_HEADERS, pathOf, problem } from '../problem.ts'
import { enterAfterLook } from '../requests/after-look.ts'
import { type Staying, staysIn } from '../requests/stays.ts'
import type { GateMiddlewareOptions } from './express.ts'

/** After its client has disconnected, a handler counts until it answers, for this long at most: it may never answer. */
const ABANDONED_FOR = 10_000

/**
 * A handler of the web's own kind. What a runtime passes behind the request (Deno's info, Next's params) is passed on. The
 * request may be of a kind of its own (`NextRequest`), and the answer undefined: Bun's, to a request that it has upgraded.
 */
export type FetchHandler<Incoming extends Request, Rest extends unknown[], Answer extends Response | undefined> = (
  request: Incoming,
  ...rest: Rest
) => Answer | Promise<Answer>

/**
 * A handler that passes on what the gate lets in, and answers 503 to everything else but exempt paths. A request counts as
 * inside until its answer's body was read. If the ledger is taken away while the handler is at work, its answer is replaced
 * by the closed gate's.
 */
export function gateFetch<Incoming extends Request, Rest extends unknown[], Answer extends Response | undefined>(
  gate: Gate,
  handler: FetchHandler<Incoming, Rest, Answer>,
  options: GateMiddlewareOptions = {},
): (request: Incoming, ...rest: Rest) => Promise<Answer | Response> {
  const exempt = new Set(options.exempt ?? DEFAULT_EXEMPT)
  return async (request, ...rest) => throughGate(gate, exempt, request, async () => handler(request, ...rest))
}

/** Runs `work` for a request that the gate lets in, or whose path is exempt; else answers as a closed gate. */
export async function throughGate<Answer extends Response | undefined>(
  gate: Gate,
  exempt: ReadonlySet<string>,
  request: Request,
  work: () => Promise<Answer>,
): Promise<Answer | Response> {
  if (!gate.enter()) {
    if (exempt.has(pathOf(withoutOrigin(request.url)))) return work()
    if (!(await enterAfterLook(gate))) return refusal(gate)
  }
  const stay = new Stay(gate, request.signal)
  try {
    const response = await work()
    if (stay.isCut) {
      await response?.body?.cancel().catch(() => {})
      return refusal(gate)
    }
    // a server sends no body in answer to HEAD, and may leave this one neither read nor cancelled
    const isUnread = request.method === 'HEAD'
    if (isUnread) await response?.body?.cancel().catch(() => {})
    if (isUnread || !response?.body) {
      stay.leave()
      return isUnread && response ? new Response(null, response) : response
    }
    return new Response(whileRead(response.body, stay), response)
  } catch (error) {
    stay.leave()
    throw error
  }
}

/** Not by URL, which takes out `..`: not every runtime has done so before, and the handler's routes see what was sent. */
function withoutOrigin(url: string): string {
  return url.replace(/^[^:/?#]+:\/\/[^/?#]*/, '')
}

function refusal(gate: Gate): Response {
  return new Response(JSON.stringify(problem(gate.status)), { status: 503, headers: PROBLEM_HEADERS })
}

/** One request's stay. */
class Stay implements Staying {
  isCut = false
  /** Breaks the answer off; set while it is being read. */
  breakOff: (() => void) | undefined
  readonly #gate: Gate
  readonly #others: Set<Staying>
  readonly #client: AbortSignal
  #timer: NodeJS.Timeout | undefined

  constructor(gate: Gate, client: AbortSignal) {
    this.#gate = gate
    this.#others = staysIn(gate)
    this.#others.add(this)
    this.#client = client
    client.addEventListener('abort', this.#onGone)
    if (client.aborted) this.#onGone()
  }

  /** Its answer is still being read by its client. */
  get isUnfinished(): boolean {
    return this.breakOff !== undefined
  }

  leave(): void {
    if (!this.#others.delete(this)) return
    clearTimeout(this.#timer)
    this.#client.removeEventListener('abort', this.#onGone)
    this.#gate.leave()
  }

  readonly #onGone = (): void => {
    this.#timer = setTimeout(() => this.leave(), ABANDONED_FOR).unref()
  }

  cut(): void {
    this.isCut = true
    this.breakOff?.()
    this.leave()
  }
}

/** Ends the stay of an answer that was dropped, neither read nor cancelled: SvelteKit answers 304 in its place. */
const dropped = new FinalizationRegistry<Stay>(stay => stay.cut())

/** The same body; the stay ends with it, whether it was read to its end or not. */
function whileRead(body: ReadableStream<Uint8Array>, stay: Stay): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      // a weak reference, since the stay must not keep alive an answer that nobody else holds
      const weak = new WeakRef(controller)
      stay.breakOff = () => {
        weak.deref()?.error(new Error('The gate has closed, and the ledger is taken away.'))
        reader.cancel().catch(() => {})
      }
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (value !== undefined) controller.enqueue(value)
        if (!done) return
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      stay.leave()
    },
    async cancel(reason) {
      stay.leave()
      await reader.cancel(reason)
    },
  })
  dropped.register(stream, stay)
  return stream
}
