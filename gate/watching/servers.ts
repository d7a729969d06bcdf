// Which server a gate's sessions lead to: the first host with a suitable server, and the same one for both sessions.

import type { Connections } from '../connection.ts'
import { rounds } from '../postgres/hosts.ts'
import { SeveralServersError } from '../reading/ledger-query.ts'
import { identify, requireServer, type Session } from './ledger-session.ts'

// How often to connect again after an address has led to another server.
const MOST_SERVERS = 10

/**
 * A session at the first host whose server is suitable, and that host's index. @throws the last host's error if there
 * is none.
 */
export async function firstSuitable(
  { hosts, attributes }: Connections,
  open: (host: number) => Promise<Session>,
): Promise<{ readonly session: Session; readonly host: number }> {
  let last: unknown
  for (const wanted of rounds(attributes)) {
    for (let host = 0; host < hosts; host++) {
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
 * A session with this server and no other: DNS or a proxy may lead one address to several.
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
