// Times as JSON holds them: ISO 8601, in UTC.

/** Null for what is no time, or beyond those of JavaScript, as Postgres' `infinity` is. */
export function isoTime(time: Date): string | null {
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}

/** Of a time in another tool's history; one without a zone is taken for UTC, in which servers keep their clocks. */
export function isoTimeOf(text: string | null | undefined): string | null {
  return text ? isoTime(new Date(/(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(text) ? text : `${text}Z`)) : null
}
