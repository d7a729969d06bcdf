// Files of variables, as `.env` and `env_file` are written.

import { readFileSync, statSync } from 'node:fs'
import { interpolate, type Variables } from './interpolate.ts'

/** The variables of a file's text: `NAME=value` lines, quotes taken off, values interpolated by those before them. */
export function parseEnvFile(text: string, outer: Variables = {}): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([\w.-]+)\s*(?:=|:\s)\s*(.*)$/.exec(line)
    if (!match || /^\s*#/.test(line)) continue
    const [, name = '', rest = ''] = match
    const quoted = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")/.exec(rest)
    if (quoted?.[1] !== undefined) variables[name] = quoted[1]
    else {
      const text = quoted?.[2]?.replace(/\\(.)/g, '$1') ?? rest.replace(/(^|\s+)#.*$/, '').trim()
      variables[name] = interpolate(text, { ...variables, ...outer })
    }
  }
  return variables
}

/** The variables of a file, undefined where it cannot be read. */
export function readEnvFile(path: string, outer: Variables = {}): Record<string, string> | undefined {
  try {
    // a pipe or a device may never end
    if (!statSync(path).isFile()) return undefined
    return parseEnvFile(readFileSync(path, 'utf8'), outer)
  } catch {
    return undefined
  }
}
