// The app's log: one JSON object a line, or lines for people on a terminal.

import { type Logger, pino } from 'pino'
import type { Settings } from './settings.ts'

export type { Logger }

/** Never a header or a body in the log: tokens and passwords travel there. */
export async function openLog(settings: Pick<Settings, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const options = { level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (settings.logFormat === 'json') return pino(options)
  // Loaded only here: it costs start-up time, and an image logs JSON.
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' }))
}
