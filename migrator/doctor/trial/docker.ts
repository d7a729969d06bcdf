// Calls of docker's client, each with its exit code and what it printed.

import { spawn } from 'node:child_process'

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CallOptions {
  /** Milliseconds after which it is told to end. */
  readonly timeout?: number
  /** Tells it to end. The result comes once it has: what it made until then is there. */
  readonly signal?: AbortSignal
}

export type Docker = (args: readonly string[], options?: CallOptions) => Promise<Result>

/** Docker's client in this environment. A client that is not there is a result with a code, too. */
export function dockerIn(env: Readonly<Record<string, string | undefined>>): Docker {
  return (args, { timeout = 60_000, signal } = {}) =>
    new Promise(done => {
      const child = spawn('docker', args, {
        env: { ...env, COMPOSE_FILE: '', COMPOSE_PROFILES: '', COMPOSE_PROJECT_NAME: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
        // in a group of its own: a second Ctrl-C does not end what takes the stack down
        detached: true,
        timeout,
        ...(signal && { signal }),
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
      child.on('error', error => {
        stderr += error.message
        if (child.pid === undefined) done({ code: 1, stdout, stderr })
      })
      child.on('close', code => done({ code: code ?? 1, stdout, stderr }))
    })
}
