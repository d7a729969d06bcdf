// Runs the command-line tool on a terminal of its own, through Python's pty: Node has none.

import { existsSync } from 'node:fs'
import { type CliOptions, type RunningCli, start } from './cli.ts'

const python = '/usr/bin/python3'

/** Without it a test skips, with `noTerminal` as its reason. */
export const hasTerminal = existsSync(python)
export const noTerminal = `${python} is not installed`

/** Becomes the parent of a process on a new terminal of so many columns; what is written to that comes out of stdout. */
const onTerminal = `
import fcntl, os, pty, signal, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Starts it on a terminal of `columns`. */
export function startOnTerminal(args: readonly string[], columns: number, options: CliOptions = {}): RunningCli {
  const env = { TERM: 'xterm', CI: undefined, ...options.env }
  return start(args, { ...options, env, within: [python, '-c', onTerminal, String(columns)] })
}
