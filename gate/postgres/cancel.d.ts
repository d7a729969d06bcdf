/** What BackendKeyData said of a server process. */
export interface BackendKey {
  readonly pid: number
  readonly secret: number
}
/**
 * Sends a cancel request; whether it came in time shows in what it was to stop. It carries the process id and its secret
 * key, in clear even where the session has TLS, as libpq before 17 does.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-CANCELREQUEST
 */
export declare function sendCancel(
  {
    host,
    port,
  }: {
    host: string
    port: number
  },
  { pid, secret }: BackendKey,
): void
