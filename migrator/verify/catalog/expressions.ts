// Expressions that Postgres writes in two ways for one meaning.

/**
 * A list of texts that was compared with a varchar. The second form is the first after a dump and a restore: Postgres
 * reads its own output back as another tree.
 *
 *     (ARRAY['a'::character varying, 'b'::character varying])::text[]
 *     ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
 *
 * Extended statistics have both without the outer parentheses.
 */
const castArray = /\(ARRAY\[((?:'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?(?:, )?)+)\]\)::([a-z ]+)\[\]/g
const bareCastArray = /ARRAY\[((?:'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?(?:, )?)+)\]::([a-z ]+)\[\]/g
const element = /'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?/g

/** A reviver for JSON.parse. */
export function canonicalExpression(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('ARRAY[')) return value
  const withCasts = (elements: string, cast: (one: string) => string) =>
    `ARRAY[${elements.match(element)?.map(cast).join(', ')}]`
  return value
    .replace(castArray, (_, elements: string, type: string) => withCasts(elements, one => `(${one})::${type}`))
    .replace(bareCastArray, (_, elements: string, type: string) => withCasts(elements, one => `${one}::${type}`))
}

/**
 * The same text with calls in the place of SQL's own syntax for functions. From 14 on Postgres prints what was written in
 * that syntax as it was; older servers printed a call, and a call it stays where their dump was restored.
 *
 *     (now() AT TIME ZONE 'utc'::text)     timezone('utc'::text, now())
 *     TRIM(BOTH FROM name)                 btrim(name)
 */
export function asCalls(text: string): string {
  // texts, names and what is in parentheses, each as its number: what is left are the words of one level
  const parts: string[] = []
  const put = (part: string) => `\0${parts.push(part) - 1}\0`
  const calls = new Map<string, string>()
  const open = ['']
  for (const [token] of text.matchAll(tokens)) {
    if (token === '(') open.push('')
    else if (token === ')' && open.length > 1) {
      const inside = `(${open.pop()})`
      const before = open.pop()!
      const word = /[A-Z]*$/.exec(before)![0]
      const call = callOf(word + inside, parts)
      // in an index, servers before 18 put parentheses around it that a call does not have
      const alone = /(?:^|, )$/.test(before) ? calls.get(inside.slice(1, -1)) : undefined
      const part = put(call ?? alone ?? inside)
      if (call) calls.set(part, call)
      open.push(before.slice(0, before.length - (call ? word.length : 0)) + part)
    } else open.push(open.pop() + (/^['"]/.test(token) ? put(token) : token))
  }
  const whole = (numbered: string): string =>
    numbered
      .split('\0')
      .map((part, i) => (i % 2 === 0 ? part : whole(parts[Number(part)]!)))
      .join('')
  return whole(open.join('('))
}

const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[^'"()]+/g

/** A function's own syntax, its name, and which group of the pattern is its first argument, its second, ... */
const forms: readonly (readonly [syntax: RegExp, name: string, order: readonly number[]])[] = [
  [/^\((.+) AT TIME ZONE (.+)\)$/s, 'timezone', [2, 1]],
  [/^TRIM\(BOTH (?:(.+) )?FROM (.+)\)$/s, 'btrim', [2, 1]],
  [/^TRIM\(LEADING (?:(.+) )?FROM (.+)\)$/s, 'ltrim', [2, 1]],
  [/^TRIM\(TRAILING (?:(.+) )?FROM (.+)\)$/s, 'rtrim', [2, 1]],
  [/^SUBSTRING\((.+?) FROM (.+?)(?: FOR (.+))?\)$/s, '"substring"', [1, 2, 3]],
  [/^POSITION\((.+) IN (.+)\)$/s, '"position"', [2, 1]],
]

function callOf(text: string, parts: readonly string[]): string | undefined {
  for (const [syntax, name, order] of forms) {
    const found = syntax.exec(text)
    if (!found) continue
    const all = order.flatMap(group => found[group] ?? [])
    // this one has its arguments in parentheses: POSITION(('@'::text) IN (email))
    const inside = (one: string) => parts[Number(one.split('\0')[1])]?.slice(1, -1) ?? one
    const bare = text.startsWith('POSITION') ? all.map(inside) : all
    return `${name}(${bare.join(', ')})`
  }
  return undefined
}
