// What a stream's terminal can show: its colours and its width.

/** Colours on a terminal that has them, unless NO_COLOR is set (no-color.org); FORCE_COLOR wins over both, `0` is none. */
export function hasColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

/** In columns, 120 at most, since longer lines are hard to read. A terminal without a size says 0. */
export function widthOf(stream: { readonly columns?: number | undefined }): number {
  return Math.min(stream.columns || 120, 120)
}
