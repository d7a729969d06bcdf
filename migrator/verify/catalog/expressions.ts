// Expressions that Postgres writes in two ways for one meaning.

/**
 * A list of texts that was compared with a varchar. The second form is the first after a dump and a restore: Postgres
 * reads its own output back as another tree.
 *
 *     (ARRAY['a'::character varying, 'b'::character varying])::text[]
 *     ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
 */
const castArray = /\(ARRAY\[((?:'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?(?:, )?)+)\]\)::([a-z ]+)\[\]/g
const element = /'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?/g

/** A reviver for JSON.parse. */
export function canonicalExpression(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('(ARRAY[')) return value
  return value.replace(castArray, (_, elements: string, type: string) => {
    const cast = elements.match(element)?.map(one => `(${one})::${type}`)
    return `ARRAY[${cast?.join(', ')}]`
  })
}
