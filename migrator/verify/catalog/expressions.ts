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
