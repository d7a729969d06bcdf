// COPY ... FROM STDIN with its data. A file of its own, since few runs need it.

import { once } from 'node:events'
import type pg from 'pg'
import { type CopyStreamQuery, from } from 'pg-copy-streams'

/**
 * Sends the statement and its data, no faster than the server takes it. The stream is not destroyed after an error: it
 * would wait for an answer that a lost connection never gives.
 */
export async function copyFrom(client: pg.Client, text: string, data: Iterable<Buffer>): Promise<void> {
  const stream = client.query(from(text))
  const failed = new AbortController()
  await new Promise<void>((resolve, reject) => {
    stream.on('finish', resolve)
    stream.on('error', error => {
      failed.abort()
      reject(error)
    })
    feed(stream, data, failed.signal).catch(error => {
      if (!failed.signal.aborted) reject(error)
    })
  })
}

async function feed(stream: CopyStreamQuery, data: Iterable<Buffer>, signal: AbortSignal): Promise<void> {
  for (const piece of data) {
    if (!stream.write(piece)) await once(stream, 'drain', { signal })
    if (signal.aborted) return
  }
  stream.end()
}
