// What the engine logs to: pino's own shape, so that any pino logger will do. How lines are written: cli/log.ts.

/** The part of pino's logger that is used. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Logs nothing: the library's default. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
