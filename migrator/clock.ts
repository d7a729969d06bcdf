// A clock for durations. Node loads its performance API at its first use, which takes a start longer than to read a folder.

/** Milliseconds since some moment in the past; it never goes back. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1_000_000
}
