// Guards an instance of postgres.js, which has a protocol of its own and no way to look at a connection before its use.

import { Readable, Writable } from 'node:stream'
import type { Gate } from '../gate.ts'
import { GateClosedError } from '../status.ts'

/** A query, or a part of one: it is sent by `handler`, once it is awaited, iterated or executed. */
interface Query {
  handler: (query: Query) => unknown
  /** Its text, between the parameters. */
  readonly strings: readonly string[]
  /** A cursor that is iterated sets both again for each row. */
  resolve(result: unknown): void
  reject(error: unknown): void
  /** The server is at it. */
  active: boolean
  /** Asks the server to cancel it, over a connection of its own: rejects if there is none to be had. */
  readonly canceller: ((query: Query) => Promise<unknown>) | null
}

/** What makes a query. */
const queries = new Set(['unsafe', 'file'])

/** What passes an instance to a function, and then commits. */
const transactions = new Set(['begin', 'savepoint'])

/** What sends queries by itself, or gives an instance for one connection. */
const senders = new Set([...transactions, 'reserve', 'subscribe', 'largeObject', 'notify'])

/**
 * Takes back what a transaction has done: without it a reserved connection would go to its next user in the middle of one. Or
 * closes a large object, as postgres.js does before the transaction that it has made for it ends.
 */
const ending = /^\s*(rollback\b[^;]*;?|select lo_close\(\s*\))\s*$/i

/** Ends what is running. */
type End = () => void

/**
 * An instance of postgres.js whose queries, but for `rollback`, reject with a GateClosedError while the gate is closed. It tells
 * the gate of errors of the schema, and ends what is running when the ledger is taken away. A transaction whose function
 * returns behind a closed gate is rolled back, and so is that of a large object which is closed behind one. It does not check
 * to which server a connection leads: give gate and postgres.js the same address of one server.
 */
export function guardPostgres<Sql extends object>(gate: Gate, sql: Sql): Sql {
  return guarded(gate, sql, runningOf.get(gate) ?? watchRunning(gate))
}

/** The queries that are running, of all instances: one listener for a gate. */
const runningOf = new WeakMap<Gate, Set<End>>()

function watchRunning(gate: Gate): Set<End> {
  const running = new Set<End>()
  runningOf.set(gate, running)
  gate.on('evict', () => {
    for (const end of running) end()
  })
  return running
}

function guarded<Sql extends object>(gate: Gate, sql: Sql, running: Set<End>): Sql {
  const requireOpen = () => {
    if (!gate.isOpen) throw new GateClosedError(gate.status)
  }
  /** An instance for one connection, such as `begin` passes on and `reserve` gives. */
  const inner = (value: unknown) => (typeof value === 'function' ? guarded(gate, value, running) : value)
  const withInner = (value: unknown) => {
    if (typeof value !== 'function') return value
    return async (instance: unknown) => {
      const result = value(inner(instance))
      const results = await (Array.isArray(result) ? Promise.all(result) : result)
      // its commit is a query, too
      requireOpen()
      return results
    }
  }
  const guardedSql: Sql = new Proxy(sql, {
    apply: (target, self, values: unknown[]) => {
      const isQuery = Array.isArray(values[0]) && 'raw' in values[0]
      const made = Reflect.apply(target as unknown as CallableFunction, self, values)
      return isQuery ? watched(gate, made, running) : made
    },
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      if (queries.has(name)) return (...values: unknown[]) => watched(gate, value.apply(target, values), running)
      if (!senders.has(name)) return value
      return async (...values: unknown[]) => {
        requireOpen()
        if (name === 'largeObject') {
          const object = await withBegin(target, guardedSql, () => value.apply(target, values))
          return guardedObject(object, requireOpen)
        }
        const result = await value.apply(target, transactions.has(name) ? values.map(withInner) : values)
        return name === 'reserve' ? inner(result) : result
      }
    },
  })
  return guardedSql
}

interface LargeObject {
  close(): Promise<unknown>
  readable(...options: unknown[]): Promise<Readable>
}

function guardedObject(object: LargeObject, requireOpen: () => void): LargeObject {
  const { close, readable } = object
  return Object.assign(object, {
    // resolves before the transaction commits, and does not tell that it was rolled back
    close: async () => {
      await close()
      requireOpen()
    },
    // reads in a promise of its own, whose failure nobody could catch
    readable: async (...options: unknown[]) => {
      const stream = await readable(...options)
      const { _read } = stream
      stream._read = async size => {
        try {
          await _read.call(stream, size)
        } catch (error) {
          stream.destroy(error as Error)
        }
      }
      return stream
    },
  })
}

/** postgres.js makes a large object's transaction by the `begin` of its own instance: for this one call that is the guarded one. */
function withBegin<Result>(sql: { begin?: unknown }, guardedSql: { begin?: unknown }, call: () => Result): Result {
  const { begin } = sql
  sql.begin = guardedSql.begin
  try {
    return call()
  } finally {
    sql.begin = begin
  }
}

/** Refuses a query when it is sent behind a closed gate, and watches it until it has ended. */
function watched(gate: Gate, query: Query, running: Set<End>): Query {
  const send = query.handler
  const end = () => cancel(query)
  const handler = (sent: Query) => {
    // what only takes back is not cancelled
    if (gate.isOpen) running.add(end)
    else if (!ending.test(sent.strings.join(''))) return sent.reject(new GateClosedError(gate.status))
    return send(sent)
  }
  query.handler = Object.assign(handler, send)
  onEnd(query, 'resolve', result => {
    running.delete(end)
    if (result instanceof Readable || result instanceof Writable) watchCopy(gate, query, result, running)
  })
  onEnd(query, 'reject', error => {
    running.delete(end)
    gate.observe(error)
  })
  return query
}

/** COPY: postgres.js takes the query for ended once it has a stream, and the server is at it until that is closed. */
function watchCopy(gate: Gate, query: Query, copy: Readable | Writable, running: Set<End>): void {
  const end = () => {
    // a server that waits for data takes no cancel request: the stream tells it that the data has failed
    if (copy instanceof Writable) return void copy.destroy(new GateClosedError(gate.status))
    query.active = true
    cancel(query)
  }
  running.add(end)
  copy.once('close', () => running.delete(end))
}

/** Not by `cancel()` of postgres.js: where it cannot connect, it rejects a promise that nobody can catch. */
function cancel(query: Query): void {
  query.canceller?.(query).catch(() => {})
}

function onEnd(query: Query, name: 'resolve' | 'reject', ended: (value: unknown) => void): void {
  let settle = query[name]
  const settled = (value: unknown) => {
    ended(value)
    settle(value)
  }
  Object.defineProperty(query, name, {
    get: () => settled,
    set: (next: (value: unknown) => void) => {
      settle = next
    },
  })
}
