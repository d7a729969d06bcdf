// Where a page of the ticket list ended: the last ticket's place in the order, as opaque text.

export interface Cursor {
  /** ISO 8601 with microseconds. */
  readonly at: string
  readonly id: string
}

const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

export function writeCursor({ at, id }: Cursor): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** Undefined if it is not one of ours. */
export function readCursor(text: string): Cursor | undefined {
  const match = form.exec(Buffer.from(text, 'base64url').toString('latin1'))
  const [, at = '', id = ''] = match ?? []
  return match && !Number.isNaN(Date.parse(at)) ? { at, id } : undefined
}
