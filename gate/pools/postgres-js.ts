// Guards an instance of postgres.js, which has a protocol of its own and no way to look at a connection before its use.

import type { Gate } from '../gate.ts'
import { GateClosedError } from '../status.ts'

/** A query, or a part of one: it is sent by `handler`, once it is awaited, iterated or executed. */
interface Query {
  handler: (query: Query) => unknown
  /** A cursor that is iterated sets both again for each row. */
  resolve(result: unknown): void
  reject(error: unknown): void
  cancel(): unknown
}

/** What makes a query. */
const queries = new Set(['unsafe', 'file'])

/** What takes a connection, and gives an instance for it or passes one to a function. */
const connections = new Set(['begin', 'savepoint', 'reserve', 'subscribe'])

/**
 * An instance of postgres.js whose queries reject with a GateClosedError while the gate is closed. It tells the gate of
 * errors of the schema, and cancels what is running when the ledger is taken away. It does not check to which server a
 * connection leads: give gate and postgres.js the same address of one server.
 */
export function guardPostgres<Sql extends object>(gate: Gate, sql: Sql): Sql {
  return guarded(gate, sql, runningOf.get(gate) ?? watchRunning(gate))
}

/** The queries that are running, of all instances: one listener for a gate. */
const runningOf = new WeakMap<Gate, Set<Query>>()

function watchRunning(gate: Gate): Set<Query> {
  const running = new Set<Query>()
  runningOf.set(gate, running)
  gate.on('evict', () => {
    for (const query of running) query.cancel()
  })
  return running
}

function guarded<Sql extends object>(gate: Gate, sql: Sql, running: Set<Query>): Sql {
  /** An instance for one connection, such as `begin` passes on and `reserve` gives. */
  const inner = (value: unknown) => (typeof value === 'function' ? guarded(gate, value, running) : value)
  const withInner = (value: unknown) =>
    typeof value === 'function' ? (instance: unknown, ...rest: unknown[]) => value(inner(instance), ...rest) : value
  return new Proxy(sql, {
    apply: (target, self, values: unknown[]) => {
      const isQuery = Array.isArray(values[0]) && 'raw' in values[0]
      const made = Reflect.apply(target as unknown as CallableFunction, self, values)
      return isQuery ? watched(gate, made, running) : made
    },
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      if (queries.has(name)) return (...values: unknown[]) => watched(gate, value.apply(target, values), running)
      if (!connections.has(name)) return value
      return async (...values: unknown[]) => {
        if (!gate.isOpen) throw new GateClosedError(gate.status)
        const result = await value.apply(target, values.map(withInner))
        return name === 'reserve' ? inner(result) : result
      }
    },
  })
}

/** Refuses a query when it is sent behind a closed gate, and watches it until it has ended. */
function watched(gate: Gate, query: Query, running: Set<Query>): Query {
  const send = query.handler
  const handler = (sent: Query) => {
    if (!gate.isOpen) return sent.reject(new GateClosedError(gate.status))
    running.add(query)
    return send(sent)
  }
  query.handler = Object.assign(handler, send)
  onEnd(query, 'resolve', () => running.delete(query))
  onEnd(query, 'reject', error => {
    running.delete(query)
    gate.observe(error)
  })
  return query
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
