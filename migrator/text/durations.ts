// Durations as people write them.

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Postgres keeps its time limits as 32-bit milliseconds; timers in Node do as well. */
const longest = 2_147_483_647

/** `500ms`, `30s`, `5m`, `1h`, or a number of milliseconds; in milliseconds, or undefined if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim())
  if (!match) return undefined
  const value = Math.round(Number(match[1]) * units[(match[2] ?? 'ms') as keyof typeof units])
  return value <= longest ? value : undefined
}

/** Milliseconds as a person reads them: `12 ms`, `3.4 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  return formatSeconds(Math.round(ms / 1_000))
}

/** Whole seconds as a person reads them: `3 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
