// The log for a person at a terminal: one line an event, the SQL excerpt under an error.

import { pino } from 'pino'
import pretty from 'pino-pretty'
import { escapeControls } from '../text/escape-controls.ts'
import { redactLine } from '../text/redact.ts'
import type { CommandLog, LogOptions } from './log.ts'
import { serialiseError } from './log-error.ts'
import { canMove, ProgressLine } from './progress-line.ts'
import { writeAtOnce } from './write-at-once.ts'

interface Sink {
  write(line: string): unknown
}

/** Writes synchronously. */
export function prettyLog({ level, fd, redact }: Omit<LogOptions, 'format'>): CommandLog {
  const stream = fd === 1 ? process.stdout : process.stderr
  const destination = { write: (text: string) => void writeAtOnce(fd, text) }
  const sink = prettySink(destination, stream)
  const line = canMove(stream, process.env)
    ? new ProgressLine(stream, text => destination.write(text), redact)
    : undefined
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }), log: withoutNumbers },
      serializers: { err: serialiseError },
    },
    {
      write(text) {
        line?.erase()
        sink.write(redactLine(redact, text))
      },
    },
  )
  return line && log.isLevelEnabled('info') ? Object.assign(log, { progressDisplay: line }) : log
}

/** The message of a line about progress or batches says it all. Fields of such names in other lines are shown. */
function withoutNumbers(fields: Record<string, unknown>): Record<string, unknown> {
  const { event, migration } = fields
  const isProgress = event === 'progress' && 'elapsedMs' in fields
  return isProgress || (event === 'batches' && 'batch' in fields) ? { event, migration } : fields
}

/** A sink that writes pino's JSON lines in a form for people; with colours on a terminal, unless NO_COLOR is set. */
function prettySink(destination: Sink, stream: NodeJS.WriteStream): Sink {
  const format = pretty.prettyFactory({
    colorize: stream.isTTY === true && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore:
      'event,err,excerpt,severity,code,outcome,exitCode,applied,reverted,skipped,notReached,sessions,role,created,passwordSet,granted,runId,file,line,column,durationMs,migration,attempt,head,pid,state,blockers,waits,kind,migrations,total,delayMs',
    hideObject: false,
    messageFormat: (record, key) => {
      const message = String(record[key] ?? '')
      const excerpt = typeof record.excerpt === 'string' ? `\n${record.excerpt}` : ''
      // a name, or what the server quotes of a row, may have a line that looks like one of the log
      return escapeControls(`${message}${excerpt}`).replace(/\n(?=\[\d\d:)/g, '\n  ')
    },
  })
  return { write: line => destination.write(format(line) ?? line) }
}
