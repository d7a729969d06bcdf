// Where a page of the ticket list ended: the last ticket's place in the order, as opaque text.

export interface Cursor {
  /** ISO 8601 with microseconds. */
  readonly at: string
  readonly id: string
}

const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** The text that a client gives back for the next page; {@link readCursor} takes it apart. */
export function writeCursor({ at, id }: Cursor): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** Undefined if it is not one of ours. */
export function readCursor(text: string): Cursor | undefined {
  const match = form.exec(Buffer.from(text, 'base64url').toString('latin1'))
  const [, at = '', id = ''] = match ?? []
  return match && isDay(at) ? { at, id } : undefined
}

/** Date takes the 30th of February for the 1st of March, and has a year 0; Postgres refuses both. */
function isDay(at: string): boolean {
  const time = Date.parse(at)
  return !at.startsWith('0000') && !Number.isNaN(time) && new Date(time).toISOString().startsWith(at.slice(0, 19))
}
