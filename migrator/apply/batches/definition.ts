// What a code migration asks of `context.batch`, read and checked.

import { didYouMean } from '../../../gate/did-you-mean.ts'
import { loadParser, parseStatements } from '../../sql/parse.ts'
import { parseDuration } from '../../text/durations.ts'
import type { BatchOptions } from '../code-context.ts'

export interface Definition {
  /** Under which the ledger keeps how far it is; undefined: the table's own. */
  readonly name: string | undefined
  readonly table: string
  readonly key: readonly string[]
  readonly where: string | undefined
  readonly set: string | undefined
  readonly size: number
  /** Milliseconds; 0 for none. */
  readonly pause: number
  /** Milliseconds; undefined: replicas are not looked at. */
  readonly maxLag: number | undefined
}

const known: readonly (keyof BatchOptions)[] = ['table', 'key', 'where', 'set', 'size', 'pause', 'maxLag', 'name']

/** @throws Error that names what is wrong; JavaScript has no types that would. */
export function readDefinition(options: BatchOptions, hasWork: boolean): Definition {
  const wrong = (what: string) => new Error(`context.batch: ${what}`)
  const unknown = Object.keys(options).find(option => !known.some(name => name === option))
  if (unknown !== undefined) throw wrong(`there is no option ${unknown}.${didYouMean(unknown, known)}`)
  const text = (option: 'table' | 'where' | 'set' | 'name') => {
    const value: unknown = options[option]
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.trim() === '') throw wrong(`${option} is no text.`)
    return value
  }
  const time = (option: 'pause' | 'maxLag') => {
    const value = options[option]
    if (value === undefined) return undefined
    const ms = parseDuration(String(value))
    if (ms === undefined) throw wrong(`${option} is no time: write milliseconds, or 500ms, 10s, 1m.`)
    return ms
  }
  const [table, set] = [text('table'), text('set')]
  if (table === undefined) throw wrong('which table? Give it as `table`.')
  const key = [options.key].flat()
  if (key.length === 0 || !key.every(column => typeof column === 'string' && column !== ''))
    throw wrong("by which column? Give it as `key`: 'id', or ['org_id', 'id'].")
  if ((set !== undefined) === hasWork)
    throw wrong(
      set === undefined
        ? 'what is to be done? Give it as `set`, or as a function.'
        : '`set` and a function are two answers to one question: take one out.',
    )
  const size = options.size ?? 1_000
  if (!Number.isSafeInteger(size) || size < 1) throw wrong('size is no number of rows.')
  return {
    name: text('name'),
    table,
    key,
    where: text('where'),
    set,
    size,
    pause: time('pause') ?? 0,
    maxLag: time('maxLag'),
  }
}

/** @throws Error if `set` changes the key: such rows would move behind the batch, and come again. */
export async function requireKeyKept({ table, key, set }: Definition): Promise<void> {
  if (set === undefined) return
  await loadParser()
  const node = parseStatements(`update t set ${set}`)?.[0]?.node
  const targets = node && 'UpdateStmt' in node ? (node.UpdateStmt.targetList ?? []) : []
  const changed = targets.flatMap(target => ('ResTarget' in target ? (target.ResTarget.name ?? []) : []))
  const column = key.find(name => changed.includes(name))
  if (column !== undefined)
    throw new Error(
      `context.batch: \`set\` changes ${column}, by which the rows of ${table} are taken: they would come again in a later batch. Take another key.`,
    )
}
