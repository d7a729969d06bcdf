// How a server may ask who we are: libpq's channel_binding and require_auth, which pg does not have.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-CHANNEL-BINDING

import type { Client } from 'pg'

const methods = ['password', 'md5', 'gss', 'sspi', 'scram-sha-256', 'oauth', 'none'] as const
type Method = (typeof methods)[number]

/** What is allowed; without `methods` all are. */
export interface Authentication {
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly methods?: ReadonlySet<Method> | undefined
}

/** The server asks for a login in a way that is not allowed; nothing was sent to it. */
export class AuthenticationError extends Error {}

/** Reads `require_auth`: a list of methods, or of methods with `!` before them, which are those that are not allowed. */
export function readMethods(text: string | undefined, problems: string[]): ReadonlySet<Method> | undefined {
  if (text === undefined || text === '') return undefined
  const names = text.split(',').map(name => name.trim())
  const denied = names.filter(name => name.startsWith('!'))
  const listed = names.map(name => name.replace(/^!/, ''))
  if (listed.some(name => !methods.some(method => method === name)))
    problems.push(`require_auth is "${text}", but must list some of ${methods.join(', ')}.`)
  else if (denied.length > 0 && denied.length < names.length)
    problems.push(`require_auth is "${text}": either all of its methods have a ! before them, or none.`)
  return new Set(methods.filter(method => listed.includes(method) !== denied.length > 0))
}

/**
 * Holds a connection that is about to be made to what is allowed: it ends before a password goes out in another way, with
 * an AuthenticationError. The client must have been made with {@link usesChannelBinding} as its `enableChannelBinding`.
 */
export function guardAuthentication(client: Client, { channelBinding, methods: allowed }: Authentication): void {
  const { connection } = client
  const bound = channelBinding === 'require'
  if (!bound && allowed === undefined) return
  let asked: Method = 'none'
  let proven = false
  const refuse = (why: string) => {
    // it may be in the packet that is being read, and pg would take the connection for made
    connection.removeAllListeners('readyForQuery')
    connection.stream.destroy(new AuthenticationError(why))
  }
  const asks = (method: Method) => {
    asked = method
    if (allowed && !allowed.has(method))
      refuse(`the server asks for ${method}, and require_auth allows only ${[...allowed].join(', ')}`)
    else if (bound && method !== 'scram-sha-256')
      refuse(`channel_binding=require, but the server asks for ${method}, which cannot be bound to the connection`)
  }
  // before pg's own listeners, which answer
  connection.prependListener('authenticationCleartextPassword', () => asks('password'))
  connection.prependListener('authenticationMD5Password', () => asks('md5'))
  connection.prependListener('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
    asks(mechanisms.some(name => name.startsWith('SCRAM')) ? 'scram-sha-256' : 'oauth')
    if (bound && !('getPeerCertificate' in connection.stream))
      refuse('channel_binding=require, but the connection has no TLS')
    else if (bound && !mechanisms.includes('SCRAM-SHA-256-PLUS'))
      refuse('channel_binding=require, but the server does not offer it')
  })
  connection.prependListener('authenticationSASLFinal', () => {
    proven = true
  })
  connection.prependListener('authenticationOk', () => {
    if (asked === 'none' && allowed && !allowed.has('none'))
      refuse(`the server asks for no password, and require_auth allows only ${[...allowed].join(', ')}`)
    else if (bound && !proven)
      refuse(
        'channel_binding=require, but the server let us in without proving that it is the one that TLS was made with',
      )
  })
}

/** pg's `enableChannelBinding`: only over TLS, where it is offered. */
export function usesChannelBinding({ channelBinding }: Authentication, tls: boolean): boolean {
  return tls && channelBinding !== 'disable'
}
