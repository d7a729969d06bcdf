// The log for a person at a terminal: one line an event, the SQL excerpt under an error.

import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Log } from '../log.ts'
import { escapeControls } from '../text/escape-controls.ts'
import { redactLine } from '../text/redact.ts'
import type { LogOptions } from './log.ts'
import { serialiseError } from './log-error.ts'

interface Sink {
  write(line: string): unknown
}

/** Writes synchronously. */
export function prettyLog({ level, fd, redact }: Omit<LogOptions, 'format'>): Log {
  const sink = prettySink(pino.destination({ fd, sync: true }), fd)
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: serialiseError },
    },
    { write: line => sink.write(redactLine(redact, line)) },
  )
}

/** A sink that writes pino's JSON lines in a form for people; with colours on a terminal, unless NO_COLOR is set. */
function prettySink(destination: Sink, fd: number): Sink {
  const stream = fd === 1 ? process.stdout : process.stderr
  const format = pretty.prettyFactory({
    colorize: stream.isTTY === true && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore:
      'event,err,excerpt,severity,code,outcome,exitCode,applied,reverted,skipped,notReached,sessions,role,created,passwordSet,granted,runId,file,line,column,durationMs,migration,attempt,head,pid,state,blockers,waits,kind,migrations,total,delayMs',
    hideObject: false,
    messageFormat: (record, key) => {
      const message = String(record[key] ?? '')
      const excerpt = typeof record.excerpt === 'string' ? `\n${record.excerpt}` : ''
      return escapeControls(`${message}${excerpt}`)
    },
  })
  return { write: line => destination.write(format(line) ?? line) }
}
