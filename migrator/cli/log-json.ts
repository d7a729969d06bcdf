// The log as JSON lines: the lines that pino writes, byte for byte, by a writer that costs no time to load.

import { configure } from 'safe-stable-stringify'
import type { Log } from '../log.ts'
import { redactLine } from '../text/redact.ts'
import type { LogOptions } from './command-log.ts'
import { serialiseError } from './log-error.ts'
import { writeAtOnce } from './write-at-once.ts'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Writes each line before it returns. */
export function jsonLog({ level: least, fd, redact }: Omit<LogOptions, 'format'>): Log {
  let isRead = true
  const at = (level: Level) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return () => {}
    return (fields: object, message: string) => {
      if (isRead) isRead = writeAtOnce(fd, redacted(redact, lineOf(level, fields, message)))
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

interface Line {
  readonly text: string
  /** It is what JSON.parse and JSON.stringify would make of it. */
  readonly isPlain: boolean
}

/** A line as pino makes it. */
function lineOf(level: Level, fields: object, message: unknown): Line {
  let text = `{"level":"${level}","time":"${new Date(Date.now()).toISOString()}"`
  let isPlain = true
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const shown = json(key === 'err' ? serialiseError(value) : value)
    if (shown === undefined) continue
    text += `,${JSON.stringify(key)}:${shown.text}`
    // a name that a line has already, or that is sorted before the others
    isPlain &&= shown.isPlain && !/^(?:level|time|msg|__proto__|\d+)$/.test(key)
  }
  const shown = json(message === undefined ? messageOf(fields) : message)
  return {
    text: `${text}${shown === undefined ? '' : `,"msg":${shown.text}`}}\n`,
    isPlain: isPlain && shown?.isPlain === true,
  }
}

/** A value under such a name is a secret, whatever it is. */
const secretName = /"(?:password|passwd|pwd|pgpassword)":/i

/**
 * To redact a line value by value takes several times as long as to write it. Where no text in it has an escape, what could
 * be found in a value is found in the line: a line in which nothing is found stays as it is.
 */
function redacted(redact: (text: string) => string, { text, isPlain }: Line): string {
  const isClean = isPlain && !text.includes('\\') && !secretName.test(text) && redact(text) === text
  return isClean ? text : redactLine(redact, text)
}

/** A code migration may leave the message out: an error's own stands in for it. */
function messageOf({ msg, err }: { readonly msg?: unknown; readonly err?: unknown }): unknown {
  return msg === undefined && err ? Reflect.get(Object(err), 'message') : undefined
}

/** The JSON of what JSON has no form for, a circle or a bigint: within pino's limits. */
const withoutCircles = configure({ maximumDepth: 5, maximumBreadth: 100 })

function json(value: unknown): Line | undefined {
  try {
    const text = JSON.stringify(value)
    return text === undefined ? undefined : { text, isPlain: true }
  } catch {
    const text = withoutCircles(value)
    return text === undefined ? undefined : { text, isPlain: false }
  }
}
