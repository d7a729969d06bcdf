// How Compose lays one file over another: maps by key, lists one after the other, and some lists by their target.

type Values = Record<string, unknown>

/** Lists that an overlay replaces. */
const replaced = new Set(['command', 'entrypoint', 'test'])
/** What may be written as a list of `NAME=value` or as a map. */
const mapsAsLists = new Set(['environment', 'labels', 'args', 'annotations', 'extra_hosts', 'sysctls'])
/** Lists of names that may be written as maps, and the map's value that a bare name stands for. */
const namesAsMaps: Readonly<Record<string, () => Values>> = {
  depends_on: () => ({ condition: 'service_started', required: true }),
  networks: () => ({}),
}

/** `over` laid over `base`; neither is changed. */
export function mergeValues(base: unknown, over: unknown, key = ''): unknown {
  // an empty `app:` or `environment:` says nothing; an empty `command:` takes the image's
  if (over === undefined || (over === null && !replaced.has(key))) return base ?? over
  if (base === undefined || base === null) return over
  if (replaced.has(key)) return over
  if (mapsAsLists.has(key)) return { ...asMap(base), ...asMap(over) }
  if (key in namesAsMaps) {
    const [below, above] = [namesToMap(base, key), namesToMap(over, key)]
    return mergeMaps(below, above)
  }
  if (isValues(base) && isValues(over)) return mergeMaps(base, over)
  if (Array.isArray(base) || Array.isArray(over)) {
    const [below, above] = [asList(base), asList(over)]
    const targets = new Set(above.map(item => targetOf(item, key)))
    return [...below.filter(item => !targets.has(targetOf(item, key))), ...above]
  }
  return over
}

/** A service's bare list of names as the map that it stands for; a map as it is. */
export function namesToMap(value: unknown, key: 'depends_on' | (string & {})): Values {
  if (isValues(value)) return value
  return Object.fromEntries(asList(value).map(name => [String(name), namesAsMaps[key]!()]))
}

/** `NAME=value` lines as a map; a name without a value has null, which Compose takes from its own environment. */
export function asMap(value: unknown): Values {
  if (isValues(value)) return value
  return Object.fromEntries(
    asList(value).map(item => {
      const [, name = '', text] = /^([^=]*)(?:=([\s\S]*))?$/.exec(String(item))!
      return [name, text ?? null]
    }),
  )
}

/** Where Compose takes one value or a list: the list. */
export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

/** Whether a value is a map of YAML. */
export function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mergeMaps(base: Values, over: Values): Values {
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(over)) merged.set(key, mergeValues(merged.get(key), value, key))
  // a service may be called `__proto__`
  return Object.fromEntries(merged)
}

/** Mounts of one target are one mount; everything else in a list is itself. */
function targetOf(item: unknown, key: string): unknown {
  if (key !== 'volumes') return typeof item === 'object' ? item : `${item}`
  if (isValues(item)) return `target ${item.target}`
  const parts = String(item)
    .replace(/:(ro|rw|z|Z|U|cached|delegated|consistent|,)+$/, '')
    .split(':')
  return `target ${parts.at(-1)}`
}
