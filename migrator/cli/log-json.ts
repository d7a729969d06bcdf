// The log as JSON lines: the lines that pino writes, byte for byte, by a writer that costs no time to load.

import { writeSync } from 'node:fs'
import { configure } from 'safe-stable-stringify'
import type { Log } from '../log.ts'
import { redactLine } from '../text/redact.ts'
import type { LogOptions } from './log.ts'
import { serialiseError } from './log-error.ts'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Writes each line before it returns. @throws the system's error if the log cannot be written, unless its reader has gone. */
export function jsonLog({ level: least, fd, redact }: Omit<LogOptions, 'format'>): Log {
  let isRead = true
  const at = (level: Level) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return () => {}
    return (fields: object, message: string) => {
      if (isRead) isRead = write(fd, redactLine(redact, lineOf(level, fields, message)))
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A line as pino makes it. */
export function lineOf(level: Level, fields: object, message: unknown): string {
  let line = `{"level":"${level}","time":"${new Date(Date.now()).toISOString()}"`
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const text = json(key === 'err' ? serialiseError(value) : value)
    if (text !== undefined) line += `,${JSON.stringify(key)}:${text}`
  }
  const text = json(message === undefined ? messageOf(fields) : message)
  return `${line}${text === undefined ? '' : `,"msg":${text}`}}\n`
}

/** A code migration may leave the message out: an error's own stands in for it. */
function messageOf({ msg, err }: { readonly msg?: unknown; readonly err?: unknown }): unknown {
  return msg === undefined && err ? Reflect.get(Object(err), 'message') : undefined
}

/** The JSON of what JSON has no form for, a circle or a bigint: within pino's limits. */
const withoutCircles = configure({ maximumDepth: 5, maximumBreadth: 100 })

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return withoutCircles(value)
  }
}

/** Milliseconds until a full pipe is written to again. */
const fullPipePause = 100

/** False if its reader has gone. */
function write(fd: number, line: string): boolean {
  let rest: Buffer = Buffer.from(line)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EPIPE') return false
      if (code !== 'EAGAIN' && code !== 'EBUSY') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipePause)
    }
  }
  return true
}
