// Whether to write in colour, by the terminal and by what the environment asks for.

/** Colours on a terminal that has them, unless NO_COLOR is set (no-color.org); FORCE_COLOR wins over both, `0` is none. */
export function hasColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}
