// The log for a person at a terminal: one line an event, the SQL excerpt under an error.

import pretty from 'pino-pretty'
import { escapeControls } from '../text/escape-controls.ts'

interface Sink {
  write(line: string): unknown
}

/** A sink that writes pino's JSON lines in a form for people; with colours on a terminal, unless NO_COLOR is set. */
export function prettySink(destination: Sink, fd: 1 | 2): Sink {
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
