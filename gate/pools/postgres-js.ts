// Guards an instance of postgres.js, which has a protocol of its own and no way to look at a connection before its use.

import type { Gate } from '../gate.ts'
import { GateClosedError } from '../status.ts'

/** A query under way. */
interface Query extends PromiseLike<unknown> {
  cancel?(): unknown
}

/** What starts a query, or takes a connection. */
const queries = new Set(['unsafe', 'file', 'begin', 'reserve', 'subscribe', 'savepoint'])

/**
 * An instance of postgres.js that refuses every query with a GateClosedError while the gate is closed, tells the gate of
 * errors of the schema, and cancels what is running when the ledger is taken away. It does not check to which server a
 * connection leads: give gate and postgres.js the same address of one server.
 */
export function guardPostgres<Sql extends object>(gate: Gate, sql: Sql): Sql {
  const running = new Set<Query>()
  gate.on('evict', () => {
    for (const query of running) query.cancel?.()
  })
  return guarded(gate, sql, running)
}

function guarded<Sql extends object>(gate: Gate, sql: Sql, running: Set<Query>): Sql {
  const call = (target: CallableFunction, self: unknown, values: unknown[]) => {
    if (!gate.isOpen) throw new GateClosedError(gate.status)
    return watched(gate, Reflect.apply(target, self, values.map(inTransaction)), running)
  }
  /** The callbacks of `begin` and `savepoint` get a guarded instance as well. */
  const inTransaction = (value: unknown) =>
    typeof value === 'function' ? (inner: object) => value(guarded(gate, inner, running)) : value
  return new Proxy(sql, {
    apply: (target, self, values: unknown[]) => {
      const isQuery = Array.isArray(values[0]) && 'raw' in values[0]
      const callable = target as unknown as CallableFunction
      return isQuery ? call(callable, self, values) : Reflect.apply(callable, self, values)
    },
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name !== 'string' || !queries.has(name)) return value
      return (...values: unknown[]) => call(value, target, values)
    },
  })
}

/** Watches a query. It is sent only once it is awaited: the `then` of its own must not be called for it. */
function watched(gate: Gate, query: Query, running: Set<Query>): Query {
  const plain = query.then
  if (typeof plain !== 'function') return query
  const done = () => running.delete(query)
  const failed = (error: unknown) => {
    done()
    gate.observe(error)
  }
  const value = (...handlers: unknown[]) => {
    running.add(query)
    Reflect.apply(plain, query, [done, failed])
    return Reflect.apply(plain, query, handlers)
  }
  return Object.defineProperty(query, 'then', { value })
}
