// Which server a gate's sessions lead to: the first host whose server suits, and for both sessions the same one.

import type { Connections } from './connection.ts'
import { SeveralServersError } from './ledger-query.ts'
import { identify, requireServer, type Session } from './ledger-session.ts'
import { rounds } from './postgres/hosts.ts'

// How often a connection is made again that has led to another server than the one before it, behind the same address.
const MOST_SERVERS = 10

/** A session at the first host whose server suits, and that host's index. @throws the last host's error when none does. */
export async function firstSuitable(
  { hosts, attributes }: Connections,
  open: (host: number) => Promise<Session>,
): Promise<{ readonly session: Session; readonly host: number }> {
  let last: unknown
  for (const wanted of rounds(attributes)) {
    for (const host of hosts.keys()) {
      let session: Session | undefined
      try {
        session = await open(host)
        await requireServer(session, wanted)
        return { session, host }
      } catch (error) {
        await session?.close()
        last = error
      }
    }
  }
  throw last
}

/**
 * A session with this server and no other: one address may lead to several, by DNS or by a proxy.
 * @throws SeveralServersError when it leads elsewhere again and again.
 */
export async function sameServer(server: string, open: () => Promise<Session>): Promise<Session> {
  for (let i = 0; i < MOST_SERVERS; i++) {
    const session = await open()
    if ((await identify(session)) === server) return session
    await session.close()
  }
  throw new SeveralServersError()
}
