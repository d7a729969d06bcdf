// The log for a person at a terminal: one line an event, the SQL excerpt under an error.

import { pino } from 'pino'
import pretty from 'pino-pretty'
import { escapeControls } from '../text/escape-controls.ts'
import { redactLine } from '../text/redact.ts'
import type { CommandLog, LogOptions } from './command-log.ts'
import { serialiseError } from './log-error.ts'
import { canMove, ProgressLine } from './progress-line.ts'
import { hasColor } from './terminal.ts'
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
      formatters: { level: label => ({ level: label }), log: shownFields },
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

/**
 * A line of schemagate's own has an event or an error, and its message says it all. One of a code migration's has its
 * fields.
 */
function shownFields(fields: Record<string, unknown>): Record<string, unknown> {
  const { event, err, excerpt } = fields
  return event === undefined && err === undefined ? fields : { excerpt }
}

/** A sink that writes pino's JSON lines in a form for people. */
function prettySink(destination: Sink, stream: NodeJS.WriteStream): Sink {
  const format = pretty.prettyFactory({
    colorize: hasColor(stream, process.env),
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'excerpt,migration',
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
