// Another type for a column, where every value is kept or refused.

import type { CatalogObject } from '../catalog/catalog.ts'
import type { Difference } from '../difference.ts'
import { partName, tableOf } from './names.ts'

interface Conversion {
  /** The value in the other type; without it the server converts by itself. */
  readonly using?: string
  /** Expressions and foreign keys mean the same with both. */
  readonly isAlike?: boolean
}

/**
 * Undefined where values would be lost or mean something else, and where the server refuses it for what rests on the column.
 * A default is taken away for it: it need not have a cast to the other type.
 */
export function columnTypeRemedy({ object, was, users = [] }: Difference): string[] | undefined {
  if (!object?.parent?.startsWith('table ') || !was) return undefined
  const [has, wants] = [object.properties, was.properties]
  const name = partName(object)
  const conversion = conversionOf(has, wants, name)
  if (!conversion || has.generated !== undefined || wants.generated !== undefined) return undefined
  if (has['inherited from'] !== undefined || users.some(user => isInTheWay(user, conversion))) return undefined
  // its sequence has the type, too, and may stand outside of narrower bounds
  const [from, to] = [has, wants].map(({ type }) => integers.indexOf(String(type)))
  if (has.identity !== undefined && to! < from!) return undefined
  const alter = `alter column ${name}`
  return [
    `alter table ${tableOf(object)} ${[
      ...(has.default === undefined ? [] : [`${alter} drop default`]),
      `${alter} type ${wants.type}${wants.collation === undefined ? '' : ` collate ${wants.collation}`}${conversion.using === undefined ? '' : ` using ${conversion.using}`}`,
      ...(has.default === undefined || wants.default === undefined ? [] : [`${alter} set default ${wants.default}`]),
    ].join(', ')}`,
  ]
}

/** Indexes, keys and checks are made again by the server, out of their text. */
function isInTheWay({ kind, properties: p }: CatalogObject, { isAlike }: Conversion): boolean {
  if (!['constraint', 'index', 'statistics'].includes(kind)) return true
  const isPlain =
    /^(?:PRIMARY KEY|UNIQUE|CREATE (?:UNIQUE )?INDEX ON (?:ONLY )?\S+ USING btree) ?\((?:[^()" ]|"[^"]*"|, )*\)$/
  return isAlike !== true && !isPlain.test(String(p.definition))
}

const integers: readonly string[] = ['smallint', 'integer', 'bigint']
/** What text is read as only if it is written in the one way in which that type is printed. */
const readable: readonly string[] = [...integers, 'numeric', 'uuid', 'boolean']
/** What text shows as it is. */
const printable: readonly string[] = [...integers, 'numeric', 'uuid', 'boolean', 'json', 'jsonb']

function conversionOf(
  has: CatalogObject['properties'],
  wants: CatalogObject['properties'],
  name: string,
): Conversion | undefined {
  const [from, to] = [String(has.type), String(wants.type)]
  if (from === to) return { isAlike: true }
  const [isEnum, becomesEnum] = [has, wants].map(one => one['its type is'] === 'an enum')
  if (becomesEnum) return isEnum || isText(from) ? { using: `${name}::text::${to}` } : undefined
  if (isEnum) return isText(to) ? {} : undefined
  if (from.endsWith('[]') && to.endsWith('[]')) {
    const ofElements = plain(from.slice(0, -2), to.slice(0, -2))
    return ofElements?.isAlike ? ofElements : undefined
  }
  return plain(from, to) ?? ofText(from, to, name)
}

/** Without a word: each value is the same in the other type, or is refused as out of its range. */
function plain(from: string, to: string): Conversion | undefined {
  const [a, b] = [partsOf(from), partsOf(to)]
  if (integers.includes(from) && integers.includes(to)) return { isAlike: true }
  if (isText(from) && isText(to)) return lengthOf(from) <= lengthOf(to) ? { isAlike: true } : undefined
  if (b.base === 'numeric') {
    if (integers.includes(from)) return (b.numbers[1] ?? 0) >= 0 ? {} : undefined
    if (a.base === 'numeric' && (b.numbers.length === 0 || (a.numbers[1] ?? Infinity) <= b.numbers[1]!))
      return { isAlike: true }
  }
  if (integers.includes(to) && a.base === 'numeric' && a.numbers[1] === 0) return {}
  if (to === 'double precision' && ['smallint', 'integer', 'real'].includes(from)) return {}
  if (a.base === b.base && /^time(?:stamp)? with/.test(a.base))
    return (a.numbers[0] ?? 6) <= (b.numbers[0] ?? 6) ? { isAlike: true } : undefined
  if (from === 'date' && b.base === 'timestamp without time zone') return {}
  if (isText(to) && printable.includes(a.base)) return {}
  return from === 'jsonb' && to === 'json' ? {} : undefined
}

/** Blanks at the end are cut off without a word unless something stands behind them; another spelling is no value of the type. */
function ofText(from: string, to: string, name: string): Conversion | undefined {
  if (!isText(from)) return undefined
  if (isText(to))
    return { using: `case when length(${name}) > ${lengthOf(to)} then ${name} || '.' else ${name} end`, isAlike: true }
  if (!readable.includes(to)) return undefined
  return { using: `(case when ${name}::${to}::text = ${name} then ${name} else quote_literal(${name}) end)::${to}` }
}

const isText = (type: string) => /^(?:text|character varying(?:\(\d+\))?)$/.test(type)

const lengthOf = (type: string) => partsOf(type).numbers[0] ?? Infinity

/** `numeric(10,2)` and `timestamp(3) without time zone`: what stands in parentheses, and the rest. */
function partsOf(type: string): { base: string; numbers: readonly number[] } {
  const numbers = /\(([-\d,]+)\)/.exec(type)?.[1]
  return { base: type.replace(/\([-\d,]+\)/, ''), numbers: numbers?.split(',').map(Number) ?? [] }
}
