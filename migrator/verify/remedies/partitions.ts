// Statements that give a table another place among partitions and child tables.

import { doBlock } from '../../../gate/postgres/quote.ts'
import type { Difference } from '../difference.ts'

const place = /^((?:"(?:[^"]|"")*"|[^". ]+)\.(?:"(?:[^"]|"")*"|[^". ]+)) (FOR VALUES .*|DEFAULT)$/s

/**
 * Rows that a partition may not have are refused by the server. With other bounds it is detached for a moment, which no
 * other session sees; what was detached by hand half-way stays a person's.
 */
export function partitionRemedy({ name, found, expected }: Difference): string[] | undefined {
  const [has, wants] = [found, expected].map(text => place.exec(String(text)))
  const detach = has && `alter table ${has[1]} detach partition ${name}`
  const attach = wants && `alter table ${wants[1]} attach partition ${name} ${wants[2]}`
  if (found === undefined) return attach ? [attach] : undefined
  if (expected === undefined) return detach ? [detach] : undefined
  if (!detach || !attach || has[1] !== wants[1]) return undefined
  return [doBlock(`${detach}; ${attach};`).replace(/;$/, '')]
}

/** Undefined where the order alone is another one. */
export function inheritsRemedy({ name, found, expected }: Difference): string[] | undefined {
  const [has, wants] = [found, expected].map(list => (list === undefined ? [] : String(list).split(', ')))
  const changes = [
    ...has!.filter(parent => !wants!.includes(parent)).map(parent => `no inherit ${parent}`),
    ...wants!.filter(parent => !has!.includes(parent)).map(parent => `inherit ${parent}`),
  ]
  const inOrder = [...has!.filter(parent => wants!.includes(parent)), ...wants!.filter(one => !has!.includes(one))]
  return inOrder.join() === wants!.join() ? [`alter table ${name} ${changes.join(', ')}`] : undefined
}
