// Statements for a column whose property is another one.

import { quoteLiteral } from '../../../gate/postgres/quote.ts'
import type { Difference } from '../difference.ts'
import { columnTypeRemedy } from './column-type.ts'
import { foreignOption, partName, tableOf } from './names.ts'

/** Undefined where there is none. */
export function columnRemedy(difference: Difference): string[] | undefined {
  const { name, parent, property = '', found, expected, object, was } = difference
  if (!parent) return undefined
  const part = { name, parent }
  const kind = parent.startsWith('foreign table ') ? 'foreign table' : parent.startsWith('view ') ? 'view' : 'table'
  const alter = (what: string) => [`alter ${kind} ${tableOf(part)} alter column ${partName(part)} ${what}`]
  if (property.startsWith('option ') && kind === 'table') {
    const option = property.slice('option '.length)
    return alter(expected === undefined ? `reset (${option})` : `set (${option} = ${quoteLiteral(String(expected))})`)
  }
  if (property.startsWith('option ') && kind === 'foreign table') {
    const change = foreignOption(property.slice('option '.length), found, expected)
    return change === undefined ? undefined : alter(change)
  }
  switch (property) {
    case 'type':
      return columnTypeRemedy(difference)
    case 'collation':
      // with another type, it is set with that
      return object?.properties.type === was?.properties.type ? columnTypeRemedy(difference) : undefined
    case 'default':
      return alter(expected === undefined ? 'drop default' : `set default ${expected}`)
    case 'nullability':
      if (expected === undefined) return alter('drop not null')
      if (found === undefined) return expected === 'not null' ? alter('set not null') : undefined
      return notNullChanges(difference)?.map(change => `alter table ${tableOf(part)} ${change}`)
    case 'comment on its not null': {
      const constraint = object?.properties['name of its not null'] ?? was?.properties['name of its not null']
      if (constraint === undefined) return undefined
      const text = expected === undefined ? 'null' : quoteLiteral(String(expected))
      return [`comment on constraint ${constraint} on ${tableOf(part)} is ${text}`]
    }
    case 'generated':
      return generatedRemedy(found, expected)?.flatMap(alter)
    case 'storage':
      // the type's own has no word before 16
      return expected === undefined ? undefined : alter(`set storage ${expected}`)
    case 'compression':
      return alter(`set compression ${expected ?? 'default'}`)
    case 'statistics target':
      return alter(`set statistics ${expected ?? -1}`)
    case 'identity':
      if (expected !== undefined) return found === undefined ? undefined : alter(`set generated ${expected}`)
      // its sequence goes with it, which the column may still have to count by
      return String(was?.properties.default).startsWith('nextval(') ? undefined : alter('drop identity')
    default:
      return undefined
  }
}

/** It is a constraint from 18 on, and changed by its name; validated, it does not become one that is not. */
function notNullChanges({ found, expected, object }: Difference): string[] | undefined {
  const name = object?.properties['name of its not null']
  const [has, wants] = [found, expected].map(words => String(words).split(', '))
  if (name === undefined || (wants!.includes('not valid') && !has!.includes('not valid'))) return undefined
  const inherits = [has, wants].map(words => !words!.includes('no inherit'))
  return [
    ...(inherits[0] === inherits[1] ? [] : [`alter constraint ${name} ${inherits[1] ? 'inherit' : 'no inherit'}`]),
    ...(has!.includes('not valid') && !wants!.includes('not valid') ? [`validate constraint ${name}`] : []),
  ]
}

/** The values of a virtual one are nowhere. Those of a stored one stay, and would have to be written to make it one. */
function generatedRemedy(found: unknown, expected: unknown): string[] | undefined {
  const isStored = String(found).startsWith('stored: ')
  if (expected === undefined) return isStored ? ['drop expression'] : undefined
  const [has, wants] = [found, expected].map(value => /^virtual: (.*)$/s.exec(String(value))?.[1])
  return has === undefined || wants === undefined ? undefined : [`set expression as (${wants})`]
}
