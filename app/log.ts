// The app's log: one JSON object a line, or lines for people on a terminal.

import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { Settings } from './settings.ts'

export type { Logger }

/** Headers and bodies are never logged: they hold tokens and passwords. */
export async function openLog(settings: Pick<Settings, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const options = {
    level: settings.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // by its name, as in the migrator's lines, which go to the same place
    formatters: { level: (level: string) => ({ level }) },
    serializers: { err: describe },
  }
  if (settings.logFormat === 'json') return pino(options, stdout)
  // Loaded only here: it costs start-up time, and an image logs JSON.
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' }))
}

/**
 * A log decides nothing: what cannot be written, as where its disk is full, is left out. pino's own destination throws then,
 * and tries for ever to write before the process ends.
 */
const stdout = {
  write(line: string) {
    for (let rest: Buffer = Buffer.from(line); rest.length > 0; ) {
      try {
        rest = rest.subarray(writeSync(1, rest))
      } catch (error) {
        const isPipeFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
        if (!isPipeFull) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipePause)
      }
    }
  },
}

/** Milliseconds until a full pipe is written to again. */
const fullPipePause = 100

/** What is logged of an error. `detail` is left out: Postgres puts the row's values there. */
const told = ['code', 'constraint', 'table', 'column', 'where', 'routine', 'statusCode']

/** Named properties only: pg hangs the whole client on its errors, with how it logs in. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const properties = told.flatMap(name => {
    const value: unknown = Reflect.get(error, name)
    return value === undefined ? [] : [[name, value]]
  })
  return {
    type: error.name,
    message: error.message,
    ...Object.fromEntries(properties),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describe(error.cause) }),
  }
}
