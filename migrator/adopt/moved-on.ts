// What an adopted history has gained or lost since its adoption: the other tool is still at work.

import { compareKeys, newestKey } from '../../gate/histories/history.ts'
import { quoteIdent } from '../../gate/postgres/quote.ts'
import type { Migration } from '../files/migration.ts'
import { filesToolOf, readToolHistory, toolFiles } from '../histories/index.ts'
import type { History, Problem } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import { adoptedTable, readAdoption } from './record.ts'

/** A problem for each migration that the other tool has applied or taken back; none where its table is gone. */
export async function movedOn(
  session: Session,
  ledgerSchema: string,
  files: readonly Migration[],
  { ledger, applied }: History,
): Promise<readonly Problem[]> {
  const adoption = await readAdoption(session, ledgerSchema, ledger.condition)
  if (!adoption) return []
  const table = await adoptedTable(session, ledgerSchema, adoption)
  if (!table?.readable) return []
  const history = await readToolHistory(session, table)
  const { title } = table.tool
  const own = toolFiles(filesToolOf(table.tool), files)
  const inLedger = new Set(applied.map(({ name }) => name))
  const recorded = new Map(own.map(({ key, migration }) => [key, inLedger.has(migration.name)]))
  const known = new Set(adoption.keys)

  const has = new Set(history.entries.map(({ key }) => key))
  const begun = history.unfinished.filter(({ key }) => !recorded.get(key))
  // a number is all that some tools keep, and a dirty one still has all below it
  const reached = history.upTo ?? (has.size === 0 ? begun[0]?.key : undefined)
  const reachedBefore = newestKey([...known, ...own.flatMap(({ key }) => (recorded.get(key) ? [key] : []))])
  const passed = own.flatMap(({ key, migration }) =>
    reached !== undefined && isBetween(key, reachedBefore, reached) && !has.has(key) && key !== begun[0]?.key
      ? [{ key, name: migration.name }]
      : [],
  )
  const gained = [...passed, ...history.entries].filter(({ key }) => !known.has(key) && !recorded.get(key))
  // of heads, all that comes before the last in the folder is there
  const last = table.tool.heads ? own.findLastIndex(({ key }) => has.has(key)) : -1
  const isBelowHead = (key: string) =>
    table.tool.heads === true && (last === -1 || own.findIndex(file => file.key === key) <= last)
  const isThere = (key: string) =>
    has.has(key) || (history.upTo !== undefined && compareKeys(key, history.upTo) <= 0) || isBelowHead(key)
  // an empty table was emptied on purpose
  const lost = has.size === 0 ? [] : adoption.keys.filter(key => !isThere(key) && recorded.get(key))
  const halfDone = new Map(history.unfinished.map(({ key, message }) => [key, message]))
  const name = `${table.schema}.${table.table}`
  const anew = `drop schema ${quoteIdent(ledgerSchema)} cascade, and schemagate adopt`
  return [
    ...begun.map(({ key, name: migration, message }) => ({
      code: 'moved-on' as const,
      migration: own.find(file => file.key === key)?.migration.name ?? migration,
      message: `${title} has begun ${migration} since its history was adopted (${name}): something still runs it. Switch it off there. ${message}`,
    })),
    ...gained.map(entry => ({
      code: 'moved-on' as const,
      migration: own.find(({ key }) => key === entry.key)?.migration.name ?? entry.name,
      message: `${title} has applied ${entry.name} since its history was adopted (${name}): something still runs it. Switch it off there; then schemagate adopt takes over what it has applied.`,
    })),
    ...lost.map(key => ({
      code: 'moved-on' as const,
      migration: own.find(file => file.key === key)?.migration.name ?? key,
      message: halfDone.has(key)
        ? `${title} has begun ${key} again since its history was adopted (${name}), and the ledger has it as applied: something still runs it. Switch it off there. ${halfDone.get(key)}`
        : `${title} has taken ${key} back since its history was adopted (${name}), and the ledger has it as applied. Apply it again with ${title}, and switch that off; or, if a dump from before the adoption was restored: ${anew}.`,
    })),
  ]
}

function isBetween(key: string, after: string | undefined, upTo: string): boolean {
  return compareKeys(key, upTo) <= 0 && (after === undefined || compareKeys(key, after) > 0)
}
