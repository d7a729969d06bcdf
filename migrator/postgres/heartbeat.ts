// The sign of life of a session that has nothing to ask: what has vanished sends none, and the server ends its session.

import type pg from 'pg'
import { heartbeatInterval, idleLimit } from './session-settings.ts'

/** The wire connection under a client, which its types do not show in full. */
interface Wire {
  sync(): void
}

/**
 * A Sync message: five bytes, which the server answers with the state of the transaction and nothing else. Its own clock for
 * idle sessions begins from zero, and what `pg_stat_activity` shows of the session stays.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SYNC
 */
class Beat {
  answered = false

  submit(wire: Wire): void {
    wire.sync()
  }

  handleReadyForQuery(): void {
    this.answered = true
  }

  handleError(): void {}
}

/**
 * Sends a heartbeat whenever no query is under way, until `stop` is called. A server that does not answer one is gone: the
 * connection is cut, so that the next query fails at once and not when the kernel gives up, after a quarter of an hour.
 * @param wanted asked each time, for a heartbeat may be out of place.
 */
export function startHeartbeat(client: pg.Client, wanted: () => boolean): { stop(): void } {
  let beat: Beat | undefined
  let missed = 0
  const timer = setInterval(() => {
    if (beat && !beat.answered) {
      // counted, not timed: while a module keeps the event loop busy, an answer that has come is not read
      if (++missed > idleLimit / heartbeatInterval)
        client.connection.stream.destroy(new Error('read ETIMEDOUT: the server does not answer'))
      return
    }
    if (!isReady(client) || !wanted()) return
    beat = new Beat()
    missed = 0
    client.query(beat)
  }, heartbeatInterval).unref()
  return { stop: () => clearInterval(timer) }
}

/** pg queues a query while another is under way; its types do not tell whether one is. */
export function isReady(client: pg.Client): boolean {
  return 'readyForQuery' in client && client.readyForQuery === true
}
