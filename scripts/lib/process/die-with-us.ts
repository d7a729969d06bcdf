// Ties a child process to ours: when we end in any way, SIGKILL included, the child is told to end too.

import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Starts a watcher that waits on a pipe whose other end is ours alone. The kernel closes it however we die, and the
 * watcher then sends `signal` to `child`. It goes away with the child, so that a reused process id is never hit.
 */
export function dieWithUs(child: ChildProcess, signal: 'INT' | 'TERM' | 'KILL'): void {
  if (child.pid === undefined || process.platform === 'win32') return
  // The second read makes a stray newline harmless; a session of its own keeps Ctrl-C away from the watcher.
  const watcher = spawn('sh', ['-c', 'while read -r _; do :; done; kill -s "$1" "$2"', 'sh', signal, `${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.on('error', () => {})
  watcher.unref()
  if (watcher.stdin && 'unref' in watcher.stdin && typeof watcher.stdin.unref === 'function') watcher.stdin.unref()
  child.once('exit', () => watcher.kill('SIGKILL'))
}
