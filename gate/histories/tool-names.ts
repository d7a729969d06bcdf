// The names of the tools whose histories are read, apart from what reads them: a run that finds no history loads none of that.

import { didYouMean } from '../did-you-mean.ts'

const names = [
  ...['flyway', 'prisma', 'golang-migrate', 'goose', 'sqlx', 'diesel', 'atlas', 'drizzle', 'graphile-migrate'],
  ...['node-pg-migrate', 'dbmate', 'postgres-migrations', 'sql-migrate', 'tern', 'postgrator', 'play', 'supabase'],
  ...['refinery', 'morph', 'yoyo', 'sqitch', 'alembic', 'django', 'rails', 'lucid', 'knex', 'sequelize', 'typeorm'],
  ...['kysely', 'mikro-orm', 'db-migrate', 'ley', 'laravel', 'ecto', 'ef-core', 'liquibase', 'schemagate'],
] as const

/** A tool's name as it is written after `--from` and `--follow`. */
export type HistoryToolName = (typeof names)[number]

/** All of them. */
export const historyToolNames: readonly string[] = names

/** Those whose tool says why no manifest can be made from its files (`unread`). */
const unread: ReadonlySet<string> = new Set<HistoryToolName>(['sqitch', 'liquibase', 'schemagate'])

/** Whether an app can be gated on that tool's history. */
export function canBeFollowed(name: string): boolean {
  return historyToolNames.includes(name) && !unread.has(name)
}

/** Names of what records in another tool's table. */
const otherNames: Readonly<Record<string, HistoryToolName>> = {
  umzug: 'sequelize',
  activerecord: 'rails',
  'flask-migrate': 'alembic',
  'entity-framework': 'ef-core',
}

/** What is wrong with a tool's name, as a sentence's end; undefined: nothing. */
export function historyToolProblem(name: string): string | undefined {
  if (historyToolNames.includes(name)) return undefined
  const meant = Object.hasOwn(otherNames, name.toLowerCase()) ? otherNames[name.toLowerCase()] : undefined
  const hint = meant === undefined ? didYouMean(name.toLowerCase(), historyToolNames) : ` Did you mean ${meant}?`
  return `is "${name}", but must be one of ${historyToolNames.join(', ')}.${hint}`.replace(/\.$/, '')
}
