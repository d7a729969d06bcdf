// Cuts the two byte streams of a Postgres connection into the protocol's messages.

/** A message from a client, as the proxy's hooks and log see it. */
export interface ClientMessage {
  /** The n-th message to the proxy, over all connections, from 1. */
  readonly index: number
  /** Which connection, from 1. */
  readonly connection: number
  /** `startup`, `ssl`, `gss`, `cancel`, or the protocol's letter: `Q` query, `P` parse, `S` sync, `p` password, `X` end. */
  readonly type: string
  /** The SQL of a `Q` or `P` message. */
  readonly sql: string | undefined
  readonly bytes: Buffer
}

export type Frame = Pick<ClientMessage, 'type' | 'sql' | 'bytes'>

const untyped: Readonly<Record<number, string>> = { 80877102: 'cancel', 80877103: 'ssl', 80877104: 'gss' }

/** Reads what a client sends. The first message, and those before it, carry no type byte. */
export class ClientReader {
  #rest: Buffer = Buffer.alloc(0)
  #started = false

  /** The whole messages in what has come so far. */
  read(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    for (;;) {
      const head = this.#started ? 1 : 0
      if (this.#rest.length < head + 4) return frames
      const size = head + this.#rest.readInt32BE(head)
      if (this.#rest.length < size) return frames
      const bytes = this.#rest.subarray(0, size)
      this.#rest = this.#rest.subarray(size)
      if (this.#started) {
        const type = String.fromCharCode(bytes[0] ?? 0)
        frames.push({ type, sql: sqlOf(type, bytes), bytes })
      } else {
        const type = untyped[bytes.readInt32BE(4)] ?? 'startup'
        this.#started = type === 'startup'
        frames.push({ type, sql: undefined, bytes })
      }
    }
  }
}

/** Reads what a server sends, only to know when it has answered. */
export class ServerReader {
  #rest: Buffer = Buffer.alloc(0)
  /** How many answers without a frame (one byte, to `ssl` and `gss`) are still to come. */
  bare = 0

  /** The types of the whole messages in what has come so far; a bare byte counts as `bare`. */
  read(chunk: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const types: string[] = []
    for (;;) {
      if (this.bare > 0 && this.#rest.length > 0) {
        this.bare--
        this.#rest = this.#rest.subarray(1)
        types.push('bare')
        continue
      }
      if (this.#rest.length < 5) return types
      const size = 1 + this.#rest.readInt32BE(1)
      if (this.#rest.length < size) return types
      types.push(String.fromCharCode(this.#rest[0] ?? 0))
      this.#rest = this.#rest.subarray(size)
    }
  }
}

function sqlOf(type: string, bytes: Buffer): string | undefined {
  if (type === 'Q') return bytes.toString('utf8', 5, bytes.length - 1)
  if (type !== 'P') return undefined
  const start = bytes.indexOf(0, 5) + 1
  return bytes.toString('utf8', start, bytes.indexOf(0, start))
}
